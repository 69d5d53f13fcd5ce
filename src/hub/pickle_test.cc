#include "vecmill/hub/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vecmill::hub {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Pieces of pickles, as torch writes them.
const std::string kStart = "\x80\x02";
const std::string kRebuild = "ctorch._utils\n_rebuild_tensor_v2\n";

std::string text(const std::string& value) {
  return "X" + std::string(1, static_cast<char>(value.size())) + std::string(3, '\0') + value;
}

std::string storage(const std::string& type, const std::string& key, int elements) {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + "K" +
         std::string(1, static_cast<char>(elements)) + "tQ";
}

/// A tensor of 2 x 3 elements from the first one of storage "0" on.
std::string tensor(const std::string& type = "FloatStorage") {
  return kRebuild + "(" + storage(type, "0", 6) + "K\0K\x02K\x03\x86K\x03K\x01\x86\x89"s +
         "ccollections\nOrderedDict\n)RtR";
}

std::string dict(const std::string& items) { return kStart + "}(" + items + "u."; }

TEST(PickleTest, ReadsTensors) {
  const auto tensors = read_state_dict(dict(text("w") + tensor("HalfStorage")), "m");
  ASSERT_TRUE(tensors) << tensors.error().to_string();
  ASSERT_EQ(tensors->size(), 1u);
  const PickledTensor& read = tensors->front();
  EXPECT_EQ(read.name, "w");
  EXPECT_EQ(read.dtype, "F16");
  EXPECT_EQ(read.storage, "0");
  EXPECT_EQ(read.storage_elements, 6u);
  EXPECT_EQ(read.offset, 0u);
  EXPECT_THAT(read.shape, ElementsAre(2, 3));
  EXPECT_THAT(read.strides, ElementsAre(3, 1));
}

void expect_refused(const std::string& pickle, ErrorKind kind, const std::string& message) {
  const auto result = read_state_dict(pickle, "m.bin");
  ASSERT_FALSE(result) << message;
  EXPECT_EQ(result.error().kind, kind) << message;
  EXPECT_THAT(result.error().to_string(), HasSubstr(message));
  EXPECT_EQ(result.error().where, "m.bin");
  EXPECT_FALSE(result.error().hint.empty());
}

/// The ways in which pickles run code, and some that look harmless.
TEST(PickleTest, RefusesEveryOtherGlobalByName) {
  const std::pair<std::string, std::string> cases[] = {
      {"os", "system"},
      {"posix", "system"},
      {"builtins", "eval"},
      {"__builtin__", "getattr"},
      {"subprocess", "Popen"},
      {"torch", "load"},
      {"torch", "_utils._rebuild_tensor_v2"},
      {"torch.serialization", "_get_layout"},
      {"torch._utils", "_rebuild_tensor"},
      {"torch._utils", "_rebuild_device_tensor_from_numpy"},
      {"numpy.core.multiarray", "_reconstruct"},
      {"collections", "Counter"},
      {"", ""},
  };
  for (const auto& [module, name] : cases) {
    const std::string call = "c" + module + "\n" + name + "\n" + text("touch /tmp/x") + "\x85R.";
    expect_refused(kStart + call, ErrorKind::kUnsupported, "asks for " + module + "." + name + ";");
  }
  expect_refused(kStart + "c\x1b[2J\n" + std::string(500, 'x') + "\n.", ErrorKind::kUnsupported,
                 "asks for ?[2J." + std::string(80, 'x') + ";");
}

TEST(PickleTest, RefusesEveryInstructionThatTorchDoesNotWrite) {
  const std::string known = "\x80.NQRXabcehjqrstu}])GJKM\x85\x86\x87\x88\x89\x8a(";
  int refused = 0;
  for (int op = 0; op < 256; ++op) {
    if (known.find(static_cast<char>(op)) != std::string::npos) continue;
    const auto result = read_state_dict(kStart + static_cast<char>(op) + "os\nsystem\n.", "m");
    ASSERT_FALSE(result) << op;
    EXPECT_EQ(result.error().kind, ErrorKind::kUnsupported) << op;
    EXPECT_THAT(result.error().message, HasSubstr("uses instruction 0x"));
    ++refused;
  }
  EXPECT_EQ(refused, 225);
}

TEST(PickleTest, RefusesWhatIsBroken) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "ends in the middle"},
      {kStart, "ends in the middle"},
      {kStart + ".", "does not end with one value"},
      {kStart + "NN.", "does not end with one value"},
      {kStart + "(.", "does not end with one value"},
      {kStart + "X\xff\xff\xff\xff", "ends in the middle"},
      {kStart + "X\x01\0\0\0\xff."s, "not UTF-8"},
      {kStart + "h\x07.", "never remembered"},
      {kStart + "q\x07.", "nothing to remember"},
      {kStart + "u.", "a mark is missing"},
      {kStart + "t.", "a mark is missing"},
      {kStart + "](Nu.", "takes none"},
      {kStart + "}(Nu.", "a key has no value"},
      {kStart + "}Ns.", "too few values"},
      {kStart + "N(\x85.", "too few values"},
      {kStart + "N)R.", "no constructor"},
      {kStart + "NNb.", "no dict"},
      {kStart + "b.", "no object"},
      {kStart + "NQ.", "storage is not one"},
      {kStart + "Q.", "no description"},
      {kStart + "\x8a\x09" + std::string(9, '\1') + ".", "64 bits"},
      {kStart + "ctorch\nFloatStorage\n)R.", "storage type is called"},
      {kStart + kRebuild + ")R.", "not described as one"},
      {kStart + std::string(1001, '('), "too deep"},
      {kStart + "ccollections\nOrderedDict\nN\x85R.", "not built empty"},
      {kStart + "ctorch._utils\n_rebuild_parameter\nN\x85R.", "not made of a tensor"},
      {kStart + "ctorch\nSize\n)R.", "not made of one value"},
  };
  for (const auto& [pickle, message] : cases) {
    expect_refused(pickle, ErrorKind::kInvalidData, message);
  }
}

TEST(PickleTest, RefusesWhatIsNoStateDict) {
  const std::pair<std::string, std::string> cases[] = {
      {kStart + "N.", "no dict of tensors"},
      {kStart + "}.", "holds no tensors"},
      {dict("K\1" + tensor()), "is no text"},
      {dict(text("w") + "N"), "not a tensor"},
      {dict(text("w") + tensor() + text("w") + tensor()), "appears twice"},
      {dict(text("state_dict") + "}"), "holds no tensors"},
  };
  for (const auto& [pickle, message] : cases) {
    expect_refused(pickle, ErrorKind::kInvalidData, message);
  }
  expect_refused("\x80\x04N.", ErrorKind::kUnsupported, "protocol 4");
}

std::string tensor_of(const std::string& offset_shape_strides) {
  return dict(text("w") + kRebuild + "(" + storage("FloatStorage", "0", 6) + offset_shape_strides +
              "\x89NtR");
}

TEST(PickleTest, RefusesImpossibleShapes) {
  const std::string nine = "(" + std::string("K\1K\1K\1K\1K\1K\1K\1K\1K\1") + "t";
  const std::pair<std::string, std::string> cases[] = {
      {"J\xff\xff\xff\xffK\2\x85K\1\x85", "from 0 up"},
      {"K\0J\xff\xff\xff\xff\x85K\1\x85"s, "from 0 up"},
      {"K\0N\x85K\1\x85"s, "from 0 up"},
      {"K\0K\2\x85)"s, "another number of strides"},
      {"K\0"s + nine + nine, "more than 8 dimensions"},
  };
  for (const auto& [numbers, message] : cases) {
    expect_refused(tensor_of(numbers), ErrorKind::kInvalidData, message);
  }
}

/// A list that contains itself, in a place where nobody looks.
TEST(PickleTest, ValuesThatContainThemselvesDoNoHarm) {
  const std::string self = "]q\1h\1a";
  const auto tensors = read_state_dict(
      dict(text("state_dict") + "}(" + text("w") + tensor() + "u" + text("x") + self), "m");
  ASSERT_TRUE(tensors) << tensors.error().to_string();
  EXPECT_EQ(tensors->size(), 1u);
}

}  // namespace
}  // namespace vecmill::hub
