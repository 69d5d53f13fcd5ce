// A release has no failpoints: run with one armed, this comes to its end.
#include "vecmill/base/failpoint.h"

int main() {
  vecmill::failpoint("test.point");
  return 0;
}
