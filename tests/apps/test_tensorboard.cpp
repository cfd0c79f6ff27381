// Event files for TensorBoard, decoded by what the format's description says. tests/apps/check_tensorboard.py reads
// them with TensorBoard's own reader.
#include "apps/trainer/tensorboard.h"

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <protozero/pbf_reader.hpp>
#include <vector>

#include "tests/program.h"

using namespace counterpoise;

namespace {

struct Event {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version, tag;
  float value = 0;
};

template <class T>
T number_at(const std::string& bytes, size_t at) {
  T number;
  REQUIRE(at + sizeof number <= bytes.size());
  std::memcpy(&number, bytes.data() + at, sizeof number);  // the tests' machines are little-endian
  return number;
}

uint32_t unmasked(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return rotated >> 17 | rotated << 15;
}

Event decoded(const std::string& message) {
  Event event;
  protozero::pbf_reader in(message);
  while (in.next()) {
    if (in.tag() == 1) event.wall_time = in.get_double();
    else if (in.tag() == 2) event.step = in.get_int64();
    else if (in.tag() == 3) event.file_version = in.get_string();
    else if (in.tag() == 5) {
      protozero::pbf_reader summary = in.get_message();
      REQUIRE(summary.next(1));
      protozero::pbf_reader value = summary.get_message();
      while (value.next()) {
        if (value.tag() == 1) event.tag = value.get_string();
        else if (value.tag() == 2) event.value = value.get_float();
        else FAIL("field " << value.tag());
      }
      CHECK(!summary.next());
    } else {
      FAIL("field " << in.tag());
    }
  }
  return event;
}

std::vector<Event> events_in(const std::string& path) {
  const std::string bytes = slurp(path);
  std::vector<Event> events;
  for (size_t at = 0; at < bytes.size();) {
    const auto length = number_at<uint64_t>(bytes, at);
    CHECK(unmasked(number_at<uint32_t>(bytes, at + 8)) == detail::crc32c(bytes.substr(at, 8)));
    REQUIRE(length <= bytes.size() - at);
    const std::string message = bytes.substr(at + 12, length);
    CHECK(unmasked(number_at<uint32_t>(bytes, at + 12 + length)) == detail::crc32c(message));
    events.push_back(decoded(message));
    at += 16 + length;
  }
  return events;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

TEST_CASE("tensorboard: CRC-32C of RFC 3720, appendix B.4") {
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i), descending += static_cast<char>(31 - i);
  CHECK(detail::crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(detail::crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  CHECK(detail::crc32c(ascending) == 0x46dd794eu);
  CHECK(detail::crc32c(descending) == 0x113fdb5cu);
  CHECK(detail::crc32c("123456789") == 0xe3069283u);
}

TEST_CASE("tensorboard: an event file holds its version and every scalar") {
  const TemporaryFolder folder;
  const double before = now();
  EventWriter writer(folder / "runs/a");
  const std::string name = writer.path().substr(writer.path().rfind('/') + 1);
  CHECK(name.rfind("events.out.tfevents.", 0) == 0);
  CHECK(std::stod(name.substr(20)) >= std::floor(before));
  REQUIRE(events_in(writer.path()).size() == 1);  // TensorBoard may open it at once
  writer.scalar("validation/f1", 1, 0.25, 1234.5);
  writer.scalar("train/loss", int64_t(1) << 40, -1e30);
  writer.scalar("train/loss", 0, std::numeric_limits<double>::infinity());
  writer.scalar("d\xc3\xa9j\xc3\xa0 vu", 2, std::nan(""));
  CHECK(events_in(writer.path()).size() == 1);
  writer.flush();
  const std::vector<Event> events = events_in(writer.path());
  REQUIRE(events.size() == 5);
  CHECK(events[0].file_version == "brain.Event:2");
  CHECK(events[1].tag == "validation/f1");
  CHECK(events[1].step == 1);
  CHECK(events[1].value == 0.25f);
  CHECK(events[1].wall_time == 1234.5);
  CHECK(events[2].step == int64_t(1) << 40);
  CHECK(events[2].value == -1e30f);
  CHECK(before <= events[2].wall_time);
  CHECK(events[2].wall_time <= now());
  CHECK(events[3].step == 0);
  CHECK(std::isinf(events[3].value));
  CHECK(events[4].tag == "d\xc3\xa9j\xc3\xa0 vu");
  CHECK(std::isnan(events[4].value));

  // A run that is continued has a file of its own, and what was added is there when the writer ends.
  std::string second;
  {
    EventWriter more(folder / "runs/a");
    more.scalar("validation/f1", 2, 0.5);
    second = more.path();
  }
  CHECK(second != writer.path());
  CHECK(events_in(second).size() == 2);
  // Many points reach the file before it is flushed.
  for (int step = 0; step < 2000; ++step) writer.scalar("train/loss", step, step);
  CHECK(events_in(writer.path()).size() > 1000);
}

TEST_CASE("tensorboard: no file is wanted, or none can be written") {
  EventWriter none;
  none.scalar("a", 1, 1);
  none.flush();
  CHECK(none.path() == "");
  CHECK(contains(error_of([] { EventWriter("/proc/nowhere"); }), "/proc/nowhere"));

  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small = {300, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 10; ++i) writer.scalar("loss", i, i);
  const std::string first = error_of([&] { writer.flush(); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(first, "cannot write " + writer.path() + ": File too large"));
  writer.scalar("loss", 11, 1);
  CHECK(contains(error_of([&] { writer.flush(); }), "an earlier write failed"));
}
