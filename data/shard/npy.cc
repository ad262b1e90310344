#include "data/shard/npy.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace slimreel {
namespace {

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr size_t kPreamble = 10;  // magic, version, uint16 header length
constexpr size_t kAlignment = 64;

std::string_view Descr(NpyType type) {
  switch (type) {
    case NpyType::kUint8:
      return "|u1";
    case NpyType::kInt16:
      return "<i2";
    case NpyType::kFloat32:
      break;
  }
  return "<f4";
}

// Parses the header's Python literal: a dict of strings, booleans and a tuple of numbers.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}
  // Skips blanks, then takes `token` if it is next.
  bool Take(std::string_view token) {
    while (!text_.empty() && absl::ascii_isspace(text_[0])) text_.remove_prefix(1);
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  bool TakeString(std::string_view* value) {
    if (!Take("'")) return false;
    const size_t end = text_.find('\'');
    if (end == std::string_view::npos) return false;
    *value = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool TakeNumber(int64_t* value) {
    Take("");
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), *value);
    if (error != std::errc() || *value < 0) return false;
    text_.remove_prefix(end - text_.data());
    return true;
  }
  bool TakeShape(std::vector<int64_t>* shape) {
    if (!Take("(")) return false;
    while (!Take(")")) {
      int64_t extent = 0;
      if (shape->size() == 8 || !TakeNumber(&extent)) return false;
      shape->push_back(extent);
      if (!Take(",")) return Take(")");
    }
    return true;
  }
  bool AtEnd() {
    Take("");
    return text_.empty();
  }

 private:
  std::string_view text_;
};

bool ParseHeader(std::string_view text, std::string_view* descr, bool* fortran,
                 std::vector<int64_t>* shape) {
  Literal literal(text);
  bool have_descr = false, have_order = false, have_shape = false;
  if (!literal.Take("{")) return false;
  while (!literal.Take("}")) {
    std::string_view key;
    if (!literal.TakeString(&key) || !literal.Take(":")) return false;
    if (key == "descr" && !have_descr) {
      have_descr = literal.TakeString(descr);
    } else if (key == "fortran_order" && !have_order) {
      *fortran = literal.Take("True");
      have_order = *fortran || literal.Take("False");
    } else if (key == "shape" && !have_shape) {
      have_shape = literal.TakeShape(shape);
    } else {
      return false;
    }
    if (!literal.Take(",")) {
      if (!literal.Take("}")) return false;
      break;
    }
  }
  return have_descr && have_order && have_shape && literal.AtEnd();
}

bool TypeOf(std::string_view descr, NpyType* type) {
  for (const NpyType candidate : {NpyType::kUint8, NpyType::kInt16, NpyType::kFloat32}) {
    if (descr == Descr(candidate)) {
      *type = candidate;
      return true;
    }
  }
  return false;
}

// Product of the extents and the element size; false if it exceeds 2^62.
bool ArrayBytes(NpyType type, const std::vector<int64_t>& shape, int64_t* bytes) {
  *bytes = NpyTypeBytes(type);
  for (const int64_t extent : shape) {
    if (extent != 0 && *bytes > (int64_t{1} << 62) / extent) return false;
    *bytes *= extent;
  }
  return true;
}

}  // namespace

int64_t NpyTypeBytes(NpyType type) {
  return type == NpyType::kUint8 ? 1 : type == NpyType::kInt16 ? 2 : 4;
}

std::string NpyHeader(NpyType type, const std::vector<int64_t>& shape) {
  std::string text =
      absl::StrCat("{'descr': '", std::string(Descr(type)), "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(shape, ", "), shape.size() == 1 ? "," : "", "), }");
  const size_t total = (kPreamble + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.append(total - kPreamble - text.size() - 1, ' ');
  text += '\n';
  std::string header(kMagic);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

std::string NpyFile(NpyType type, const std::vector<int64_t>& shape, const void* data) {
  int64_t bytes = 0;
  std::string file = NpyHeader(type, shape);
  if (ArrayBytes(type, shape, &bytes) && bytes > 0) {
    file.append(static_cast<const char*>(data), static_cast<size_t>(bytes));
  }
  return file;
}

absl::StatusOr<NpyHeaderFields> ParseNpyHeader(std::string_view front) {
  if (front.size() < kPreamble || !front.starts_with(kMagic)) {
    return absl::DataLossError("not a .npy file of format 1.0");
  }
  const size_t length = static_cast<uint8_t>(front[8]) | static_cast<uint8_t>(front[9]) << 8;
  if (length > front.size() - kPreamble) return absl::DataLossError("the .npy header is cut off");
  NpyHeaderFields fields;
  std::string_view descr;
  if (!ParseHeader(front.substr(kPreamble, length), &descr, &fields.fortran_order, &fields.shape)) {
    return absl::DataLossError("the .npy header cannot be parsed");
  }
  fields.descr = std::string(descr);
  fields.header_bytes = static_cast<int64_t>(kPreamble + length);
  return fields;
}

absl::StatusOr<NpyView> ParseNpy(std::string_view file) {
  absl::StatusOr<NpyHeaderFields> header = ParseNpyHeader(file);
  if (!header.ok()) return header.status();
  NpyView view;
  if (header->fortran_order || !TypeOf(header->descr, &view.type)) {
    return absl::DataLossError("the .npy array is not C-ordered with type |u1, <i2 or <f4");
  }
  view.shape = std::move(header->shape);
  view.data = file.substr(static_cast<size_t>(header->header_bytes));
  int64_t bytes = 0;
  if (!ArrayBytes(view.type, view.shape, &bytes) ||
      static_cast<uint64_t>(bytes) != view.data.size()) {
    return absl::DataLossError(absl::StrCat("the .npy shape (", absl::StrJoin(view.shape, ", "),
                                            ") does not match its ", view.data.size(), " bytes"));
  }
  return view;
}

}  // namespace slimreel
