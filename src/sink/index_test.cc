#include "vecmill/sink/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "vecmill/base/mapped_file.h"
#include "vecmill/sink/npy.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class IndexTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// An output of two rows, [1, 2] and [3, 4].
  [[nodiscard]] std::string output(const std::string& name) const {
    auto opened = open(folder_ / name, {"space", "f32/1", "m", 2, 0}, {});
    OutputRow a{"a", {1, 2}, "", 0, {}};
    OutputRow b{"b", {3, 4}, "", 0, {}};
    EXPECT_TRUE(opened && opened->sink->write(std::vector{a, b}) && opened->sink->finish());
    return folder_ / name;
  }

  [[nodiscard]] std::string content(const std::string& name) const {
    return *read_file(folder_ / name);
  }
  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary | std::ios::trunc) << bytes;
  }
  void replace(const std::string& name, const std::string& from, const std::string& to) const {
    std::string text = content(name);
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    put(name, text.replace(at, from.size(), to));
  }

  static void expect_error(const std::string& path, ErrorKind kind, const std::string& text) {
    const auto index = read_index(path);
    ASSERT_FALSE(index) << text;
    EXPECT_EQ(index.error().kind, kind) << index.error().to_string();
    EXPECT_THAT(index.error().to_string(), HasSubstr(text));
  }

  fs::path folder_ = fs::path(testing::TempDir()) / ("index-" + std::to_string(getpid()));
};

TEST_F(IndexTest, WhatIsNotThereIsNotFound) {
  for (const char* name : {"x.npy", "x.jsonl", "x.db"}) {
    expect_error(folder_ / name, ErrorKind::kNotFound, name);
  }
  expect_error(folder_ / "x.bin", ErrorKind::kInvalidArgument, ".npy, .jsonl and .db");
}

TEST_F(IndexTest, ACutArrayIsRefusedAtEveryLength) {
  const std::string path = output("x.npy");
  const std::string whole = content("x.npy");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put("x.npy", whole.substr(0, size));
    const auto index = read_index(path);
    ASSERT_FALSE(index) << size;
    EXPECT_EQ(index.error().kind, ErrorKind::kInvalidData) << size;
  }
  put("x.npy", whole + "x");
  EXPECT_FALSE(read_index(path));
}

TEST_F(IndexTest, FilesThatContradictEachOtherAreRefused) {
  const struct {
    const char* file;
    const char* from;
    const char* to;
    const char* error;
  } cases[] = {
      {"x.npy", "(2, 2)", "(4, 1)", "has 4 rows, its description says 2"},
      {"x.npy", "<f4", "<f2", "has another size than its header says"},
      {"x.ids.txt", "\"a\"\n", "", "x.ids.txt: has 1 rows"},
      {"x.ids.txt", "\"a\"", "7", "x.ids.txt:1: is not a JSON string"},
      {"x.ids.txt", "\"b\"", "\"b\",\"c\":1", "x.ids.txt:2: is not a JSON string"},
      {"x.ids.txt", "\"b\"", "\"\xFF\"", "x.ids.txt:2: is not UTF-8"},
      {"x.meta.json", "\"dims\": 2", "\"dims\": 0", "\"dims\" is impossible"},
      {"x.meta.json", "\"dims\": 2", "\"dims\": 1", "has other dimensions"},
      {"x.meta.json", "\"dims\": 2", "\"dims\": -1", "\"dims\" is not a count"},
      {"x.meta.json", "\"dims\": 2", "\"d\": 2", "\"dims\" is missing"},
      {"x.meta.json", "\"space\": \"space\"", "\"space\": 1", "\"space\" is not a string"},
      {"x.meta.json", "\"space\": \"space\"", "\"s\": 1", "\"space\" is missing"},
      {"x.meta.json", "\"max_tokens\": 0", "\"max_tokens\": 4294967296", "is impossible"},
      {"x.meta.json", "{", "[", "x.meta.json: is damaged"},
  };
  for (const auto& c : cases) {
    SetUp();
    const std::string path = output("x.npy");
    replace(c.file, c.from, c.to);
    expect_error(path, ErrorKind::kInvalidData, c.error);
  }
  SetUp();
  const std::string path = output("x.npy");
  replace("x.meta.json", "\"format\": 1", "\"format\": 2");
  expect_error(path, ErrorKind::kUnsupported, "has format 2");
}

TEST_F(IndexTest, BrokenLinesAreNamed) {
  const struct {
    const char* from;
    const char* to;
    const char* error;
  } cases[] = {
      {"[3,4]", "[3]", "x.jsonl:2: needs an id and a vector of the right length"},
      {"[3,4]", "[3,4,5]", "x.jsonl:2: needs an id and a vector"},
      {"[3,4]", "[3,null]", "x.jsonl:2: needs an id and a vector"},
      {"[3,4]", "7", "x.jsonl:2: needs an id and a vector"},
      {"\"id\":\"b\"", "\"id\":5", "x.jsonl:2: needs an id"},
      {"[3,4]", "[3,4", "x.jsonl:2"},
      {"\"b\"", "\"\xFF\"", "x.jsonl:2: is not UTF-8"},
  };
  for (const auto& c : cases) {
    SetUp();
    const std::string path = output("x.jsonl");
    replace("x.jsonl", c.from, c.to);
    expect_error(path, ErrorKind::kInvalidData, c.error);
  }
  SetUp();
  const std::string path = output("x.jsonl");
  const std::string whole = content("x.jsonl");
  put("x.jsonl", whole.substr(0, whole.find('\n') + 1));
  expect_error(path, ErrorKind::kInvalidData, "has 1 rows, its description says 2");
}

TEST_F(IndexTest, AFileThatIsNotSuchADatabaseIsRefused) {
  const std::string path = folder_ / "x.db";
  for (const std::string& bytes : {std::string("not a database, but long enough to look at"),
                                   std::string(), std::string(8192, '\0')}) {
    put("x.db", bytes);
    expect_error(path, ErrorKind::kInvalidData, "x.db");
    EXPECT_EQ(content("x.db"), bytes);
  }
}

/// SQLite notices a missing page when it is read; one that no query needs may be missing.
TEST_F(IndexTest, ACutDatabaseNeverGivesWrongRows) {
  const std::string path = output("x.db");
  const std::string whole = content("x.db");
  int refused = 0;
  for (std::size_t size = 512; size < whole.size(); size += 512) {
    put("x.db", whole.substr(0, size));
    const auto index = read_index(path);
    refused += index ? 0 : 1;
    if (!index) continue;
    std::vector<float> scratch;
    EXPECT_THAT(index->ids, testing::ElementsAre("a", "b")) << size;
    EXPECT_THAT(index->row(1, scratch), testing::ElementsAre(3, 4)) << size;
  }
  EXPECT_GT(refused, 0);
}

std::string npy(const std::string& header, const std::string& data, char version = '\1') {
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  for (int byte = 0; byte < (version == '\1' ? 2 : 4); ++byte) {
    file += static_cast<char>(header.size() >> (8 * byte) & 0xFF);
  }
  return file + header + data;
}

TEST(NpyTest, HeadersOfOtherProgramsAreRead) {
  const std::string data(24, 'x');
  for (const char version : {'\1', '\2', '\3'}) {
    const auto shape = parse_npy(
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", data, version), "x");
    ASSERT_TRUE(shape) << shape.error().to_string();
    EXPECT_EQ(shape->rows, 2U);
    EXPECT_EQ(shape->dims, 3U);
    EXPECT_FALSE(shape->half);
  }
  EXPECT_TRUE(parse_npy(npy("{'shape':(4,3),'fortran_order':False,'descr':'<f2'}", data), "x"));
  EXPECT_TRUE(parse_npy(npy("{'descr':'<f2','fortran_order':False,'shape':(0,3)}", ""), "x"));
}

TEST(NpyTest, OtherArraysAreRefused) {
  const struct {
    const char* header;
    const char* error;
  } cases[] = {
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3)}", "is not little-endian float32"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}", "is not little-endian float32"},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", "is not little-endian float32"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", "two dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3)}", "two dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}", "two dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6, 0)}", "two dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "two dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", "broken header"},
      {"{'descr': '<f4', 'shape': (2, 3)}", "broken header"},
      {"{'descr'", "broken header"},
      {"{'descr':", "broken header"},
      {"", "broken header"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3)}", "another size"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2305843009213693952, 8)}", "truncated"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", "another"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4)}", "two dim"},
  };
  for (const auto& c : cases) {
    const auto shape = parse_npy(npy(c.header, std::string(24, 'x')), "x.npy");
    ASSERT_FALSE(shape) << c.header;
    EXPECT_THAT(shape.error().to_string(), HasSubstr(c.error)) << c.header;
  }
}

}  // namespace
}  // namespace vecmill::sink
