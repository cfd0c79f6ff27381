#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cctype>

namespace counterpoise::fuzz {

namespace {

// Numbers at which readers go wrong: ends of ranges, and sizes that overflow when multiplied.
const uint32_t edges[] = {0,          1,          2,          0x7f,       0x80,      0xff,
                          0x100,      0x7fff,     0x8000,     0xffff,     0x10000,   0x3fffffff,
                          0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
// The same as texts.
const char* const numbers[] = {"0",
                               "-1",
                               "1",
                               "2147483648",
                               "4294967296",
                               "18446744073709551616",
                               "1e308",
                               "1e309",
                               "1e-320",
                               "nan",
                               "inf",
                               "-inf",
                               "0x10",
                               "010",
                               "1.",
                               ".5",
                               "-0",
                               "1e",
                               "9007199254740993",
                               "0.30000000000000004"};

class Mutation {
 public:
  Mutation(const Target& target, Bytes& bytes, const Bytes& other, Random& random)
      : target_(target), bytes_(bytes), other_(other), random_(random) {}

  void once() {
    if (target_.text && random_.below(2)) {
      const bool number = target_.words.empty() || random_.below(2);
      return replace_token(bytes_of(number ? numbers[random_.below(std::size(numbers))]
                                           : target_.words[random_.below(target_.words.size())]));
    }
    const uint64_t kinds = target_.words.empty() ? 12 : 16;
    switch (random_.below(kinds)) {
      case 0:
        return flip();
      case 1:
        return set_byte();
      case 2:
        return set_number(2);
      case 3:
        return set_number(4);
      case 4:
        return change_number();
      case 5:
        return remove();
      case 6:
        return repeat();
      case 7:
        return fill();
      case 8:
        return overwrite(part_of(bytes_));
      case 9:
        return insert(part_of(other_));
      case 10:
        return insert(numbers[random_.below(std::size(numbers))]);
      case 11:
        return replace_token(bytes_of(numbers[random_.below(std::size(numbers))]));
      case 12:
        return replace_token(bytes_of(target_.words[random_.below(target_.words.size())]));
      default:
        break;
    }
    const std::string& word = target_.words[random_.below(target_.words.size())];
    if (random_.below(3) == 0) overwrite(bytes_of(word));
    else insert(bytes_of(word));
  }

 private:
  size_t place() { return bytes_.empty() ? 0 : random_.below(bytes_.size()); }
  // Mostly short.
  size_t length(size_t longest) {
    const uint64_t limit = std::min<uint64_t>(longest, uint64_t(1) << (1 + random_.below(10)));
    return limit == 0 ? 0 : 1 + random_.below(limit);
  }
  Bytes part_of(const Bytes& from) {
    if (from.empty()) return {};
    const size_t at = random_.below(from.size()), n = length(from.size() - at);
    return Bytes(from.begin() + long(at), from.begin() + long(at + n));
  }

  void flip() {
    if (!bytes_.empty()) bytes_[place()] ^= uint8_t(1 << random_.below(8));
  }
  void set_byte() {
    if (!bytes_.empty()) bytes_[place()] = uint8_t(random_.bits());
  }
  void put(size_t at, uint32_t value, size_t width, bool big_endian) {
    for (size_t i = 0; i < width; ++i) {
      bytes_[at + i] = uint8_t(value >> 8 * (big_endian ? width - 1 - i : i));
    }
  }
  void set_number(size_t width) {
    if (bytes_.size() < width) return;
    put(random_.below(bytes_.size() - width + 1), edges[random_.below(std::size(edges))], width, random_.below(2));
  }
  void change_number() {
    const size_t width = size_t(1) << random_.below(3);
    if (bytes_.size() < width) return;
    const size_t at = random_.below(bytes_.size() - width + 1);
    const bool big_endian = random_.below(2);
    uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      value |= uint32_t(bytes_[at + i]) << 8 * (big_endian ? width - 1 - i : i);
    }
    const auto by = uint32_t(1 + random_.below(35));
    put(at, random_.below(2) ? value + by : value - by, width, big_endian);
  }
  void remove() {
    if (bytes_.empty()) return;
    const size_t at = place(), n = length(bytes_.size() - at);
    bytes_.erase(bytes_.begin() + long(at), bytes_.begin() + long(at + n));
  }
  void repeat() {
    Bytes part = part_of(bytes_);
    Bytes many;
    for (uint64_t times = 1 + random_.below(random_.below(8) == 0 ? 64 : 3); times > 0; --times) {
      many.insert(many.end(), part.begin(), part.end());
    }
    insert(many);
  }
  void fill() {
    if (bytes_.empty()) return;
    const size_t at = place(), n = length(bytes_.size() - at);
    std::fill_n(bytes_.begin() + long(at), n, bytes_[place()]);
  }
  // The word, the number or the text in quotation marks around a place: a value of JSON, a field, an argument.
  void replace_token(const Bytes& by) {
    if (bytes_.empty()) return;
    const auto in_word = [](uint8_t c) { return std::isalnum(c) || c == '.' || c == '-' || c == '+' || c == '_'; };
    size_t first = place();
    for (size_t steps = 0; first < bytes_.size() && !in_word(bytes_[first]) && steps < 8; ++steps) ++first;
    if (first == bytes_.size()) return;
    size_t end = first;
    while (first > 0 && in_word(bytes_[first - 1])) --first;
    while (end < bytes_.size() && in_word(bytes_[end])) ++end;
    if (first > 0 && end < bytes_.size() && bytes_[first - 1] == '"' && bytes_[end] == '"' && random_.below(2)) {
      --first, ++end;
    }
    bytes_.erase(bytes_.begin() + long(first), bytes_.begin() + long(end));
    bytes_.insert(bytes_.begin() + long(first), by.begin(), by.end());
  }
  void insert(const Bytes& part) {
    const size_t at = random_.below(bytes_.size() + 1);
    bytes_.insert(bytes_.begin() + long(at), part.begin(), part.end());
  }
  void insert(const char* text) { insert(bytes_of(text)); }
  void overwrite(const Bytes& part) {
    const size_t at = place(), n = std::min(part.size(), bytes_.size() - at);
    std::copy_n(part.begin(), n, bytes_.begin() + long(at));
  }

  const Target& target_;
  Bytes& bytes_;
  const Bytes& other_;
  Random& random_;
};

}  // namespace

Bytes mutate(const Target& target, Bytes input, const Bytes& other, Random& random) {
  Mutation mutation(target, input, other, random);
  for (uint64_t times = random.below(2) ? 1 : uint64_t(1) << random.below(5); times > 0; --times) {
    mutation.once();
    if (input.size() > target.longest) input.resize(target.longest);
  }
  // Some inputs keep what is wrong with their checksums.
  if (target.repair && random.below(8) != 0) target.repair(input);
  return input;
}

}  // namespace counterpoise::fuzz
