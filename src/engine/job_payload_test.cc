#include "vecmill/engine/job_payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "vecmill/engine/job_records.h"
#include "vecmill/engine/open_source.h"

namespace vecmill::engine {
namespace {

using testing::HasSubstr;

JobPayload range() {
  JobPayload payload;
  payload.model = "m";
  payload.dtype = "int8";
  payload.dims = 64;
  payload.max_seq_length = 128;
  payload.space = "s";
  payload.arithmetic = "int8/1";
  payload.job.inputs = {"/a.jsonl", "/b.jsonl"};
  payload.job.text_field = "body";
  payload.job.out = "/o.db";
  payload.job.half = true;
  payload.job.empty = Empty::kFail;
  payload.job.batch_size = 7;
  payload.job.tag_fields = {"project"};
  payload.job.options = {Role::kQuery, Truncate::kError, {true, true, false}};
  payload.first = 1000;
  payload.count = 500;
  payload.from = "1000:7";
  payload.to = "1500:9";
  return payload;
}

TEST(JobPayloadTest, IsReadAsItWasWritten) {
  const JobPayload a = range();
  const auto b = parse_payload(to_text(a));
  ASSERT_TRUE(b) << b.error().to_string();
  EXPECT_EQ(std::tie(a.model, a.dtype, a.dims, a.max_seq_length, a.space, a.arithmetic),
            std::tie(b->model, b->dtype, b->dims, b->max_seq_length, b->space, b->arithmetic));
  EXPECT_EQ(std::tie(a.first, a.count, a.from, a.to), std::tie(b->first, b->count, b->from, b->to));
  EXPECT_EQ(std::tie(a.job.inputs, a.job.text_field, a.job.out, a.job.half, a.job.empty),
            std::tie(b->job.inputs, b->job.text_field, b->job.out, b->job.half, b->job.empty));
  EXPECT_EQ(std::tie(a.job.batch_size, a.job.tag_fields),
            std::tie(b->job.batch_size, b->job.tag_fields));
  EXPECT_EQ(b->job.options.role, Role::kQuery);
  EXPECT_EQ(b->job.options.truncate, Truncate::kError);
  EXPECT_EQ(b->job.options.outputs, a.job.options.outputs);
  EXPECT_EQ(texts_of(*b), "/a.jsonl, ..., records 1001 to 1500");
}

TEST(JobPayloadTest, HoldsTexts) {
  JobPayload payload = range();
  payload.job.inputs.clear();
  payload.texts = {{"a", "a \"text\"\n", "{\"n\":1}"}, {"b", std::string("\0", 1), ""}};
  const auto read = parse_payload(to_text(payload));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->count, 2U);
  EXPECT_EQ(read->texts[0].metadata, "{\"n\":1}");
  EXPECT_EQ(read->texts[1].text, std::string("\0", 1));
  EXPECT_EQ(texts_of(*read), "2 texts from a to b") << "and nothing of the texts";
}

TEST(JobPayloadTest, WhatIsNoJobIsRefused) {
  for (const char* text : {"", "[]", "{", "{}", "{\"version\":\"1\"}", "{\"version\":1}"}) {
    const auto read = parse_payload(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidData);
  }
  const std::string good = to_text(range());
  const std::pair<const char*, const char*> edits[] = {
      {"\"role\":\"query\"", "\"role\":\"queen\""},
      {"\"outputs\":\"dense,sparse\"", "\"outputs\":\"dense,dense\""},
      {"\"count\":500", "\"count\":0"},
      {"\"inputs\":[\"/a.jsonl\",\"/b.jsonl\"]", "\"inputs\":[]"},
      {"\"out\":\"/o.db\"", "\"out\":7"}};
  for (const auto& [from, to] : edits) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), std::string(from).size(), to);
    EXPECT_FALSE(parse_payload(text)) << to;
  }
  std::string newer = good;
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_EQ(parse_payload(newer).error().kind, ErrorKind::kUnsupported);
}

class JobReaderTest : public testing::Test {
 protected:
  JobReaderTest() {
    std::filesystem::create_directories(folder_);
    write(25);
    pattern_ = range();
    pattern_.job = {};
    pattern_.job.inputs = {file_};
  }
  ~JobReaderTest() override { std::filesystem::remove_all(folder_); }

  void write(int count, int changed = -1) const {
    std::ofstream out(file_);
    for (int i = 0; i < count; ++i) out << (i == changed ? "other " : "text ") << i << "\n";
  }
  std::vector<JobPayload> cut(bool texts_inline = false) const {
    auto source = open_source(pattern_.job);
    return *cut_into_jobs(**source, pattern_, 10, texts_inline);
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("vecmill-jobs-" + std::to_string(getpid()));
  const std::string file_ = folder_ / "in.txt";
  JobPayload pattern_;
};

TEST_F(JobReaderTest, EachJobReadsItsOwnRecordsInAnyOrder) {
  const auto jobs = cut();
  ASSERT_EQ(jobs.size(), 3U);
  JobReader reader;
  for (const std::size_t i : {1U, 2U, 0U, 0U, 2U}) {
    const auto texts = reader.read(jobs[i]);
    ASSERT_TRUE(texts) << texts.error().to_string();
    EXPECT_EQ(texts->records.size(), i == 2 ? 5U : 10U);
    EXPECT_EQ(texts->records[0].text, "text " + std::to_string(10 * i));
    EXPECT_EQ(texts->positions.front(), jobs[i].from);
    EXPECT_EQ(texts->positions.back(), jobs[i].to);
  }
}

TEST_F(JobReaderTest, APartIsTheJobOfOneText) {
  const auto jobs = cut();
  JobReader reader;
  const auto texts = reader.read(jobs[1]);
  const JobPayload one = texts->only(3, jobs[1]);
  EXPECT_EQ(texts_of(one), file_ + ", record 14");
  EXPECT_EQ(reader.read(one)->records[0].text, "text 13");
  const auto held = cut(true);
  EXPECT_TRUE(held[1].has_texts());
  const JobRecords records{held[1].texts, {}};
  EXPECT_EQ(records.only(3, held[1]).texts[0].text, "text 13");
}

TEST_F(JobReaderTest, AnInputThatChangedIsAnErrorAndOneThatGrewIsNone) {
  const auto jobs = cut();
  write(40);
  EXPECT_TRUE(JobReader().read(jobs[1]));
  write(25, 15);  // within the second job
  EXPECT_TRUE(JobReader().read(jobs[0]));
  EXPECT_EQ(JobReader().read(jobs[1]).error().kind, ErrorKind::kMismatch);
  EXPECT_EQ(JobReader().read(jobs[2]).error().kind, ErrorKind::kMismatch);
  write(12);
  EXPECT_TRUE(JobReader().read(jobs[0]));
  JobReader reader;
  for (const std::size_t i : {1U, 2U}) {
    const auto texts = reader.read(jobs[i]);
    ASSERT_FALSE(texts);
    EXPECT_EQ(texts.error().kind, ErrorKind::kMismatch);
    EXPECT_THAT(texts.error().message, HasSubstr("not what it was"));
  }
  std::filesystem::remove(file_);
  EXPECT_EQ(reader.read(jobs[0]).error().kind, ErrorKind::kNotFound);
  write(25);
  EXPECT_TRUE(reader.read(jobs[0]));
}

}  // namespace
}  // namespace vecmill::engine
