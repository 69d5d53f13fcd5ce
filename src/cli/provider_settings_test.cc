#include "vecmill/cli/provider_settings.h"

#include <gtest/gtest.h>

namespace vecmill::cli {
namespace {

const std::filesystem::path kFile = "/project/vecmill.toml";

Status add(ProviderTables& tables, const std::string& key, const std::string& value, int line = 1) {
  return tables.add({key, value, kFile.string() + ":" + std::to_string(line)}, kFile, "/home/ann");
}

Error error_of(const std::string& key, const std::string& value) {
  ProviderTables tables;
  Status status = add(tables, key, value, 7);
  if (status) status = tables.check();
  return status ? Error{} : status.error();
}

TEST(ProviderTablesTest, EachKeySetsItsMember) {
  ProviderTables tables;
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"api", "tei"},
           {"base_url", "http://10.0.0.7/v1"},
           {"plain_http", "true"},
           {"key_env", "CORP_KEY"},
           {"key_file", "~/keys/corp"},
           {"requests_per_minute", "60"},
           {"tokens_per_minute", "1000000"},
           {"in_flight", "2"},
           {"batch_size", "512"},
           {"timeout", "30"},
           {"price", "0.5"},
           {"dims", "64"},
           {"query_prompt_name", "query"},
           {"document_prompt_name", "passage"}}) {
    EXPECT_TRUE(add(tables, std::string("providers.corp.") + key, value)) << key;
  }
  EXPECT_TRUE(tables.check());
  const ProviderSettings& corp = tables.providers().at("corp");
  EXPECT_EQ(corp.api + corp.base_url + corp.key_env + corp.key_file + corp.price +
                corp.query_prompt_name + corp.document_prompt_name,
            "teihttp://10.0.0.7/v1CORP_KEY/home/ann/keys/corp0.5querypassage");
  EXPECT_EQ(std::tuple(corp.requests_per_minute, corp.tokens_per_minute, corp.in_flight,
                       corp.batch_size, corp.timeout.count(), corp.dims, corp.plain_http),
            std::tuple(60U, 1'000'000U, 2U, 512U, 30, 64U, true));
  EXPECT_EQ(tables.rows([](const auto&) { return std::nullopt; }).size(), 14U);
}

TEST(ProviderTablesTest, AKeyInTheFileIsRefusedAndNotRepeated) {
  for (const char* key : {"key", "api_key", "apikey", "token", "secret", "password", "key_env"}) {
    const Error error = error_of(std::string("providers.openai.") + key, "sk-canary");
    EXPECT_EQ(error.where, "/project/vecmill.toml:7") << key;
    EXPECT_NE(error.message.find(key), std::string::npos) << error.message;
    EXPECT_NE(error.hint.find("variable that holds"), std::string::npos) << key << error.hint;
    EXPECT_EQ(error.to_string().find("canary"), std::string::npos) << key;
  }
}

TEST(ProviderTablesTest, TheLaterFileWinsKeyByKeyAndTheEnvironmentOverBoth) {
  ProviderTables tables;
  EXPECT_TRUE(add(tables, "providers.openai.base_url", "https://first/v1", 1));
  EXPECT_TRUE(add(tables, "providers.openai.dims", "8", 2));
  EXPECT_TRUE(add(tables, "providers.openai.base_url", "https://second/v1", 3));
  EXPECT_EQ(tables.providers().at("openai").base_url, "https://second/v1");
  EXPECT_EQ(tables.providers().at("openai").dims, 8U);
  const auto rows = tables.rows([](const std::string& name) {
    return name == "OPENAI_BASE_URL" ? std::optional<std::string>("https://me:canary@third/v1")
                                     : std::nullopt;
  });
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].origin, "OPENAI_BASE_URL");
  EXPECT_EQ(rows[1].value, "...");
}

TEST(ProviderTablesTest, APathIsTakenFromTheFolderOfItsFile) {
  ProviderTables tables;
  EXPECT_TRUE(add(tables, "providers.openai.key_file", "../keys/openai"));
  EXPECT_EQ(tables.providers().at("openai").key_file, "/keys/openai");
}

}  // namespace
}  // namespace vecmill::cli
