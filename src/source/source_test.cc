#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "vecmill/source/source_factory.h"

namespace vecmill::source {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class SourceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("source-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  /// "id=text" or "id=text metadata" of every record; the error instead of the record that has one.
  std::vector<std::string> read(const std::vector<std::string>& inputs,
                                const SourceOptions& options = {}) {
    auto source = open(inputs, options);
    if (!source) return {shown(source.error())};
    return rest(**source);
  }

  std::vector<std::string> rest(Source& source, std::size_t at_a_time = 2) {
    std::vector<std::string> all;
    while (true) {
      auto records = source.next(at_a_time);
      if (!records) return all.push_back(shown(records.error())), all;
      if (records->empty()) return all;
      for (const Record& record : *records) {
        all.push_back(relative(record.id) + "=" + record.text +
                      (record.metadata.empty() ? "" : " " + record.metadata));
      }
    }
  }

  std::string shown(const Error& error) { return "error: " + relative(error.to_string()); }

  std::string relative(std::string text) {
    const std::string prefix = folder_.string() + "/";
    for (std::size_t at; (at = text.find(prefix)) != std::string::npos;)
      text.erase(at, prefix.size());
    return text;
  }

  fs::path folder_;
};

SourceOptions named(const std::string& text, const std::string& id) {
  SourceOptions options;
  options.text_field = text;
  options.id_field = id;
  return options;
}

TEST_F(SourceTest, LinesAreTexts) {
  EXPECT_THAT(read({file("a.txt", "one\n\ntwo \r\nlast")}),
              ElementsAre("a.txt:1=one", "a.txt:2=", "a.txt:3=two ", "a.txt:4=last"));
  EXPECT_THAT(read({file("b.txt", "\xEF\xBB\xBFmark\n")}), ElementsAre("b.txt:1=mark"));
  EXPECT_THAT(read({file("c.txt", std::string("a\0b\x01\n", 5))}),
              ElementsAre(std::string("c.txt:1=a\0b\x01", 12)));
  EXPECT_THAT(read({file("d.txt", "\n")}), ElementsAre("d.txt:1="));
}

TEST_F(SourceTest, AWholeFileIsOneText) {
  SourceOptions options;
  options.whole_file = true;
  EXPECT_THAT(read({file("a.txt", "one\r\ntwo\n"), file("b.txt", "")}, options),
              ElementsAre("a.txt=one\r\ntwo\n", "b.txt="));
  EXPECT_THAT(read({file("c.txt", "x\ny\xFFz")}, options),
              ElementsAre(HasSubstr("c.txt:2: is not UTF-8: byte 4 of the file")));
}

TEST_F(SourceTest, JsonlFieldsAreFoundByThemselves) {
  EXPECT_THAT(read({file("a.jsonl",
                         "{\"_id\": 7, \"Content\": \"x\\n\\u00e9\", \"n\": 1.50}\n\n"
                         "{\"_id\":\"k\",\"Content\":\"\"}\n")}),
              ElementsAre("7=x\n\u00e9 {\"n\":1.50}", "k="));
  EXPECT_THAT(read({file("b.jsonl", R"({"text": "x"})")}), ElementsAre("b.jsonl:1=x"));
}

TEST_F(SourceTest, FieldsCanBeNamed) {
  const std::string path = file("a.jsonl", R"({"id": "1", "text": "t", "title": "T", "url": "u"})");
  EXPECT_THAT(read({path}, named("title", "url")), ElementsAre(R"(u=T {"id":"1","text":"t"})"));
  EXPECT_THAT(
      read({path}, named("tilte", "")),
      ElementsAre(HasSubstr("has no field \"tilte\"; the fields are: id, text, title, url")));
}

TEST_F(SourceTest, BadJsonlIsNamedByLine) {
  const struct {
    const char* line;
    const char* error;
  } cases[] = {
      {R"({"id": 2, "text": "x")", "a.jsonl:2: broken JSON at byte"},
      {R"(["x"])", "a.jsonl:2: broken JSON at byte 1"},
      {R"({"id": 2})", "a.jsonl:2: has no field \"text\""},
      {R"({"text": "x"})", "a.jsonl:2: has no field \"id\""},
      {R"({"id": 2, "text": 5})", "a.jsonl:2: field \"text\" must be a string"},
      {R"({"id": 2, "text": null})", "a.jsonl:2: field \"text\" must be a string"},
      {R"({"id": [], "text": "x"})", "a.jsonl:2: field \"id\" must be a number or a string"},
      {R"({"id": "", "text": "x"})", "a.jsonl:2: field \"id\" must be a number or a string"},
      {R"({"id": 1, "text": "x"})", "a.jsonl:2: the id \"1\" occurs twice"},
      {R"({"id": 2, "text": "\ud800"})", "a.jsonl:2: field \"text\" has half of a surrogate pair"},
      {R"({"id": 2, "text": "x", "text": "y"})", "a.jsonl:2: field \"text\" occurs twice"},
      {"{\"id\": 2, \"text\": \"\xC3\x28\"}", "a.jsonl:2: is not UTF-8: byte 20 of the line"},
  };
  for (const auto& c : cases) {
    const std::string path =
        file("a.jsonl", "{\"id\": 1, \"text\": \"x\"}\n" + std::string(c.line));
    const auto all = read({path});
    EXPECT_THAT(all.back(), HasSubstr(c.error)) << c.line;
  }
}

TEST_F(SourceTest, CsvFollowsRfc4180) {
  EXPECT_THAT(
      read({file("a.csv", "id,text,note\r\n1,\"a, \"\"b\"\"\r\nc\",x\r\n\r\n2,d \"e\",\r\n")}),
      ElementsAre("1=a, \"b\"\r\nc {\"note\":\"x\"}", "2=d \"e\" {\"note\":\"\"}"));
  EXPECT_THAT(read({file("b.tsv", "text\tdoc_id\na,b\t9")}), ElementsAre("9=a,b"));
  EXPECT_THAT(read({file("c.csv", "text\nx\ny\n")}), ElementsAre("c.csv:2=x", "c.csv:3=y"));
}

TEST_F(SourceTest, BadCsvIsNamedByLine) {
  const struct {
    const char* content;
    const char* error;
  } cases[] = {
      {"id,text\n1,x\n2\n", "a.csv:3: has 1 fields, the header has 2"},
      {"id,text\n1,x,y\n", "a.csv:2: has 3 fields"},
      {"id,text\n1,\"x\n", "a.csv:2: a quoted field has no closing quote"},
      {"id,text\n1,\"x\"y\n", "a.csv:2: something stands between a closing quote"},
      {"id,id,text\n", "a.csv:1: the header has \"id\" twice"},
      {"id,words\n1,x\n", "a.csv:1: no field is known to hold the text"},
      {"id,text\n,x\n", "a.csv:2: field \"id\" is empty"},
      {"id,text\n", "there is no text in the input"},
      {"", "there is no text in the input"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(read({file("a.csv", c.content)}).back(), HasSubstr(c.error)) << c.content;
  }
}

TEST_F(SourceTest, AFolderIsReadInSortedOrder) {
  file("d/b.txt", "b");
  file("d/a/z.jsonl", R"({"text": "z"})");
  file("d/.hidden/x.txt", "no");
  file("d/picture.png", "no");
  file("d/old.ids.txt", "no");
  file("d/old.meta.json", "{}");
  EXPECT_THAT(read({folder_ / "d"}), ElementsAre("d/a/z.jsonl:1=z", "d/b.txt:1=b"));
  file("empty/x.png", "");
  EXPECT_THAT(read({folder_ / "empty"}),
              ElementsAre(HasSubstr("empty: no supported file is in the folder")));
}

TEST_F(SourceTest, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(read({folder_ / "no.txt"}), ElementsAre(HasSubstr("no.txt: there is no such file")));
  EXPECT_THAT(read({file("a.pdf", "")}), ElementsAre(HasSubstr("a.pdf: the extension is not one")));
  EXPECT_THAT(read({}), ElementsAre(HasSubstr("no input is named")));
  EXPECT_THAT(read({"-", "-"}), ElementsAre(HasSubstr("standard input is named twice")));
  SourceOptions options;
  options.format = "xml";
  EXPECT_THAT(read({file("a.txt", "x")}, options),
              ElementsAre(HasSubstr("unknown input format \"xml\"")));
  options.format = "jsonl";
  EXPECT_THAT(read({file("b.pdf", R"({"text":"x"})")}, options), ElementsAre("b.pdf:1=x"));
}

TEST_F(SourceTest, AFileThatMayNotBeReadIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const std::string path = file("a.txt", "x");
  fs::permissions(path, fs::perms::none);
  EXPECT_THAT(read({path}), ElementsAre(HasSubstr("a.txt: cannot read")));
}

TEST_F(SourceTest, WhatIsTooLongIsAnErrorAndNotHeldInMemory) {
  SourceOptions options;
  options.max_text_bytes = 1 << 20;
  const std::string large(3 << 20, 'x');
  EXPECT_THAT(read({file("a.txt", "ok\n" + large)}, options).back(),
              HasSubstr("a.txt:2: the line is longer than 1048576 bytes"));
  std::string quoted = "id,text\n1,\"";
  for (int i = 0; i < 3000; ++i) quoted += std::string(1000, 'x') + "\n";
  EXPECT_THAT(read({file("a.csv", quoted)}, options).back(),
              HasSubstr("a.csv:2: the record is longer than 1048576 bytes"));
  options.whole_file = true;
  EXPECT_THAT(read({file("b.txt", large)}, options).back(), HasSubstr("the file is longer than"));
}

TEST_F(SourceTest, ALineOverTheBorderOfTheBufferStaysWhole) {
  std::string content;
  std::vector<std::string> wanted;
  for (int i = 0; i < 40; ++i) {
    const std::string line(static_cast<std::size_t>(i) * 4001, static_cast<char>('a' + i % 26));
    content += line + "\n";
    wanted.push_back("a.txt:" + std::to_string(i + 1) + "=" + line);
  }
  EXPECT_EQ(read({file("a.txt", content)}), wanted);
}

TEST_F(SourceTest, SeekingGivesTheSameRest) {
  const std::vector<std::string> inputs = {
      file("a.csv", "id,text\n1,\"x\ny\"\n2,z\n"), file("b.txt", "p\nq\nr\n"),
      file("c.jsonl", "{\"id\":8,\"text\":\"s\"}\n{\"id\":9,\"text\":\"t\"}\n")};
  for (std::size_t read_first = 0; read_first <= 7; ++read_first) {
    const auto first = open(inputs, {});
    for (std::size_t i = 0; i < read_first; ++i) ASSERT_TRUE((*first)->next(1));
    const std::string position = (*first)->position();
    const auto wanted = rest(**first);
    const auto second = open(inputs, {});
    ASSERT_TRUE((*second)->seek(position));
    EXPECT_EQ(rest(**second, 3), wanted);
    ASSERT_TRUE((*second)->seek(position));  // also back
    EXPECT_EQ(rest(**second, 3), wanted);
  }
}

TEST_F(SourceTest, SeekingInAChangedInputIsRefused) {
  const std::string path = file("a.txt", "one\ntwo\nthree\n");
  const auto source = open(std::vector{path}, {});
  ASSERT_TRUE((*source)->next(2));
  const std::string position = (*source)->position();
  for (const char* content : {"one\ntwo!\nthree\n", "one\n"}) {
    file("a.txt", content);
    const auto changed = open(std::vector{path}, {});
    const Status status = (*changed)->seek(position);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::kMismatch);
  }
  for (const char* position_text : {"", "7", "7:", "x:1", "1:2x"}) {
    EXPECT_FALSE((*source)->seek(position_text)) << position_text;
  }
}

TEST_F(SourceTest, StandardInputIsReadOnce) {
  const std::string path = file("in", "one\ntwo\n");
  const int kept = dup(STDIN_FILENO);
  ASSERT_NE(std::freopen(path.c_str(), "r", stdin), nullptr);
  const auto source = open(std::vector<std::string>{"-"}, {});
  EXPECT_THAT(rest(**source), ElementsAre("stdin:1=one", "stdin:2=two"));
  EXPECT_EQ((*source)->seek("0:0").error().kind, ErrorKind::kUnsupported);
  dup2(kept, STDIN_FILENO);
  close(kept);
}

TEST_F(SourceTest, DuplicatesAreFoundAcrossInputsAndInLargeNumbers) {
  std::string content;
  for (int i = 0; i < 5000; ++i) content += "{\"id\":" + std::to_string(i) + ",\"text\":\"\"}\n";
  const auto all = read({file("a.jsonl", content), file("b.jsonl", R"({"id":"4321","text":""})")});
  EXPECT_EQ(all.size(), 5001U);
  EXPECT_THAT(all.back(), HasSubstr("b.jsonl:1: the id \"4321\" occurs twice"));
}

}  // namespace
}  // namespace vecmill::source
