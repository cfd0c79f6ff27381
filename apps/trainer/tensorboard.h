// Event files, from which TensorBoard draws curves: `tensorboard --logdir runs`.
//
// A file is a sequence of records, each of them a protocol-buffer message Event framed as TFRecord does it: its length
// as 8 bytes, the masked CRC-32C of these 8, the message, and its masked CRC-32C; all numbers are little-endian. The
// messages are those of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto, and the framing
// is described in tensorflow/core/lib/io/record_writer.h.
#pragma once

#include <cstdint>
#include <string>

#include "core/io/file.h"

namespace counterpoise {

// Writes the scalars of one run. Each process that continues a run has an EventWriter, and so a file, of its own, which
// TensorBoard reads one after another. An object is used by one thread at a time.
class EventWriter {
 public:
  // Writes nothing.
  EventWriter() = default;
  // Makes the file DIRECTORY/events.out.tfevents.TIME.HOST.PROCESS.NUMBER, whose first record is the format's version.
  // Throws Error(failure) if it cannot be written.
  explicit EventWriter(const std::string& directory);
  // The last flush(); its error is lost.
  ~EventWriter();
  EventWriter(EventWriter&&) noexcept = default;
  EventWriter& operator=(EventWriter&&) noexcept = default;

  // Adds the point (step, value) to the curve `tag`, such as "validation/f1". TensorBoard groups the curves by the part
  // before the slash. `wall_time` is in seconds since 1970; 0 stands for now. NaN and infinity are kept, and
  // TensorBoard marks them. The point is in the file after the next flush(); beyond 64 KiB flush() is called here, and
  // then this throws as it does.
  void scalar(const std::string& tag, int64_t step, double value, double wall_time = 0);

  // Appends what was added to the file, in whole records; call it after each epoch. Throws Error(failure) if the disk
  // is full or the file cannot be written.
  void flush();

  const std::string& path() const { return path_; }  // "" if there is no file

 private:
  void add(const std::string& message);

  std::string path_, pending_;
  FileDescriptor file_;
};

namespace detail {
// CRC-32C (Castagnoli's polynomial 0x1EDC6F41), as RFC 3720 defines it, of `bytes`. Thread-safe.
uint32_t crc32c(const std::string& bytes);
// A record with this content. Thread-safe.
std::string event_record(const std::string& content);
}  // namespace detail

}  // namespace counterpoise
