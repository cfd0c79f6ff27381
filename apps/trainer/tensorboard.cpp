#include "apps/trainer/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "kernels/error.h"

namespace counterpoise {

namespace {

// Numbers of fields.
namespace event {
constexpr int wall_time = 1, step = 2, file_version = 3, summary = 5;
}
namespace summary {
constexpr int value = 1;
}
namespace value {
constexpr int tag = 1, simple_value = 2;
}

constexpr size_t largest_pending = size_t(1) << 16;  // bytes

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;  // the polynomial, reflected
    table[byte] = crc;
  }
  return table;
}

std::string little_endian(uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i));
  return text;
}

// A CRC that is stored beside its data is masked, because the CRC of data that hold CRCs is weak.
std::string masked_crc(const std::string& bytes) {
  const uint32_t crc = detail::crc32c(bytes);
  return little_endian((crc >> 15 | crc << 17) + 0xa282ead8u, 4);
}

// The name of the machine with no character that a file name cannot have.
std::string host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  std::string host = *name ? name : "localhost";
  for (char& c : host) c = c == '/' ? '-' : c;
  return host;
}

// A name that no other file has: TensorBoard reads each file once, so that none may replace another.
std::string new_name() {
  static std::atomic<int> files{0};
  return detail::text("events.out.tfevents.", static_cast<int64_t>(now()), ".", host(), ".", getpid(), ".", files++);
}

}  // namespace

uint32_t detail::crc32c(const std::string& bytes) {
  static const std::array<uint32_t, 256> table = crc_table();
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string detail::event_record(const std::string& content) {
  const std::string length = little_endian(content.size(), 8);
  return length + masked_crc(length) + content + masked_crc(content);
}

EventWriter::EventWriter(const std::string& directory) {
  make_directories(directory);
  path_ = directory + "/" + new_name();
  file_ = FileDescriptor(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
  CP_ENSURE(file_.get() >= 0, "cannot create ", path_, ": ", detail::reason(errno));
  std::string message;
  protozero::pbf_writer writer(message);
  writer.add_double(event::wall_time, now());
  writer.add_string(event::file_version, "brain.Event:2");
  add(message);
  flush();
}

EventWriter::~EventWriter() {
  try {
    flush();
  } catch (const Error&) {
  }
}

void EventWriter::scalar(const std::string& tag, int64_t step, double number, double wall_time) {
  if (path_.empty()) return;
  std::string message;
  protozero::pbf_writer writer(message);
  writer.add_double(event::wall_time, wall_time == 0 ? now() : wall_time);
  writer.add_int64(event::step, step);
  {
    protozero::pbf_writer points(writer, event::summary);
    protozero::pbf_writer point(points, summary::value);
    point.add_string(value::tag, tag);
    point.add_float(value::simple_value, static_cast<float>(number));
  }
  add(message);
}

void EventWriter::add(const std::string& message) {
  pending_ += detail::event_record(message);
  if (pending_.size() > largest_pending) flush();
}

void EventWriter::flush() {
  if (pending_.empty()) return;
  CP_ENSURE(file_.get() >= 0, "cannot write ", path_, ": an earlier write failed");
  const std::string records = std::exchange(pending_, "");
  FileDescriptor file = std::move(file_);  // moved back below: after half a record nothing more can be read
  detail::write_all(file.get(), records.data(), records.size(), path_);
  file_ = std::move(file);
}

}  // namespace counterpoise
