#include <vecmill/result.h>

#include <iostream>

int main() {
  const vecmill::Error error = vecmill::make_error(vecmill::ErrorKind::kNotFound, "nothing here");
  std::cout << error.to_string() << '\n';
  return error.to_string() == "nothing here" ? 0 : 1;
}
