#include "vecmill/postgres/wire.h"

#include <gtest/gtest.h>

#include <limits>

#include "vecmill/postgres/sql_state.h"

namespace vecmill::postgres {
namespace {

using namespace std::string_literals;

TEST(PostgresWireTest, ArraysAreTheServersBytes) {
  ArrayBuilder numbers(kInt4);
  numbers.add_int4(258);
  numbers.add_null();
  EXPECT_EQ(std::move(numbers).take(),
            "\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\2\0\0\0\1\0\0\0\4\0\0\1\2\xFF\xFF\xFF\xFF"s);
  ArrayBuilder texts(kText);
  texts.add("ab");
  EXPECT_EQ(std::move(texts).take(), "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\2ab"s);
}

TEST(PostgresWireTest, IntegersAreTheServersBytesAndComeBack) {
  ArrayBuilder numbers(kInt8);
  numbers.add_int8(-2);
  EXPECT_EQ(std::move(numbers).take().substr(20), "\0\0\0\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"s);
  EXPECT_EQ(read_integer("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"s), -2);
  EXPECT_EQ(read_integer("\0\0\x01\0\0\0\0\x03"s), (std::int64_t{1} << 40) + 3);
  EXPECT_EQ(read_integer("\x80\0\0\0"s), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(read_integer("\1\2"s), 258);
  for (const auto& other : {""s, "\1"s, "\1\2\3"s, "123456789"s}) EXPECT_EQ(read_integer(other), 0);
}

TEST(PostgresWireTest, VectorsAreTheExtensionsBytesAndComeBack) {
  const std::vector<float> values = {1.0F, -2.5F, 0.0F};
  ArrayBuilder full(1000), half(1001);
  full.add_vector(values);
  half.add_halfvec(values);
  const std::string full_bytes = std::move(full).take(), half_bytes = std::move(half).take();
  EXPECT_EQ(full_bytes.substr(20), "\0\0\0\x10\0\3\0\0\x3F\x80\0\0\xC0\x20\0\0\0\0\0\0"s);
  EXPECT_EQ(half_bytes.substr(20), "\0\0\0\x0A\0\3\0\0\x3C\0\xC1\0\0\0"s);
  EXPECT_EQ(read_vector(full_bytes.substr(24)), values);
  EXPECT_EQ(read_halfvec(half_bytes.substr(24)), values);
}

TEST(PostgresWireTest, SparseVectorsAndBitsAreTheServersBytes) {
  ArrayBuilder sparse(1002), bits(1003);
  sparse.add_sparsevec(250'002, {{3, 1.0F}, {258, -2.5F}});
  EXPECT_EQ(std::move(sparse).take().substr(20),
            "\0\0\0\x1C\0\3\xD0\x92\0\0\0\2\0\0\0\0\0\0\0\3\0\0\1\2"
            "\x3F\x80\0\0\xC0\x20\0\0"s);
  bits.add_bits(std::vector{1.0F, 0.0F, -1.0F, 1e-9F, 0.0F, 0.0F, 0.0F, 2.0F, 0.5F});
  EXPECT_EQ(std::move(bits).take().substr(20), "\0\0\0\6\0\0\0\x09\x91\x80"s);
}

TEST(PostgresWireTest, DamagedVectorsAreNone) {
  const std::vector<std::string> cases = {""s,
                                          "\0"s,
                                          "\0\1\0\0"s,
                                          "\0\1\0\0\0\0\0"s,
                                          "\0\1\0\1\0\0\0\0"s,
                                          "\0\3\0\0\0\0\0\0"s,
                                          "\0\0\0\0"s,
                                          "\xFF\xFF\0\0\0\0\0\0"s};
  for (const std::string& bytes : cases) {
    EXPECT_FALSE(read_vector(bytes)) << bytes.size();
    EXPECT_FALSE(read_halfvec(bytes)) << bytes.size();
  }
}

TEST(PostgresErrorTest, StatesBecomeKinds) {
  const std::vector<std::pair<std::string, ErrorKind>> cases = {
      {"42P01", ErrorKind::kNotFound},
      {"42703", ErrorKind::kNotFound},
      {"42501", ErrorKind::kAuth},
      {"28P01", ErrorKind::kAuth},
      {"42601", ErrorKind::kInvalidArgument},
      {"22P02", ErrorKind::kInvalidData},
      {"23505", ErrorKind::kInvalidData},
      {"53100", ErrorKind::kIo},
      {"40P01", ErrorKind::kUnavailable},
      {"57P01", ErrorKind::kUnavailable},
      {"XX000", ErrorKind::kIo},
      {"", ErrorKind::kUnavailable},
  };
  for (const auto& [state, kind] : cases) {
    EXPECT_EQ(to_error({state, "said"}, "here").kind, kind) << state;
  }
}

TEST(PostgresErrorTest, OnlyWhatMayPassIsTriedAgain) {
  for (const char* state : {"", "08006", "57P01", "57P03", "40001", "40P01", "55P03", "53300"}) {
    EXPECT_TRUE(is_transient(state)) << state;
  }
  for (const char* state : {"42P01", "22P02", "23505", "57014", "53100", "28P01"}) {
    EXPECT_FALSE(is_transient(state)) << state;
  }
}

TEST(PostgresErrorTest, ServersWordsOnARowAreNotRepeated) {
  for (const char* state : {"22P02", "23514", "21000", "P0001"}) {
    const std::string line = to_error({state, "canary"}, "here").to_string();
    EXPECT_EQ(line.find("canary"), std::string::npos) << line;
    EXPECT_NE(line.find(state), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace vecmill::postgres
