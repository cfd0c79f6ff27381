#include "data/images/jpeg_check.h"

#include <algorithm>
#include <cstring>

#include "kernels/error.h"

namespace counterpoise::detail {
namespace {

// Encoders write about ten scans. Each costs the decoder a pass over all blocks of its components however few bytes
// it has, so that without limits a small file could keep it busy for hours. libjpeg's progressive scans hold 14 samples
// per pixel in all, or 8 where colors are halved in both directions.
constexpr int most_scans = 200;
constexpr int64_t most_samples = 1'500'000'000;

struct Component {
  int id = 0, quantization = 0;
  int64_t samples = 0;  // in whole blocks
  bool seen = false;    // in a scan that carries its DC coefficients
};

class JpegCheck {
 public:
  JpegCheck(const uint8_t* bytes, size_t size, const std::string& name) : bytes_(bytes), size_(size), name_(name) {}

  ImageSize run() {
    if (marker() != 0xD8) fail("no start-of-image marker");
    for (;;) {
      const int m = marker();
      if (m == 0xD9) break;
      segment(m);
    }
    if (components_ == 0) fail("no frame header");
    for (int i = 0; i < components_; ++i)
      if (!component_[i].seen) fail("no image data for component ", i + 1);
    return frame_;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(const Args&... why) const {
    throw Error(ErrorKind::bad_data, name_, ": bad JPEG: ", why..., " (at byte ", at_, " of ", size_, ")");
  }

  [[noreturn]] void truncated() const {
    throw Error(ErrorKind::bad_data, name_, ": truncated JPEG: its ", size_,
                " bytes end before the end-of-image marker");
  }

  int byte() {
    if (at_ >= size_) truncated();
    if (at_ >= end_) fail("a segment is shorter than its content");
    return bytes_[at_++];
  }
  int word() {
    const int high = byte();
    return high << 8 | byte();
  }

  // The next marker, after any fill bytes. Some cameras pad their segments, which stb_image skips before the frame
  // header only.
  int marker() {
    while (byte() != 0xFF)
      if (at_ < 3 || components_ > 0) fail("expected a marker");
    int m = byte();
    while (m == 0xFF) m = byte();
    return m;
  }

  void segment(int m) {
    const bool known = m == 0xC4 || m == 0xFE || (m >= 0xDA && m <= 0xDD) || (m >= 0xE0 && m < 0xF0);
    const bool frame = m >= 0xC0 && m < 0xD0 && m != 0xC4 && m != 0xC8 && m != 0xCC;
    if (!known && !frame) fail("unexpected marker ", m);
    const size_t length = word();
    if (length < 2) fail("a segment of length ", length);
    if (size_ - at_ < length - 2) truncated();
    end_ = at_ + length - 2;
    if (frame) start_of_frame(m);
    if (m == 0xC4) huffman_tables();
    if (m == 0xDB) quantization_tables();
    if (m == 0xDA) start_of_scan();
    if (m == 0xDC) number_of_lines();
    if (m == 0xDD) word();  // restart interval
    if (m >= 0xE0) at_ = end_;
    if (at_ != end_) fail("a segment is longer than its content");
    end_ = size_;
    if (m == 0xDA) skip_entropy_coded_data();
  }

  void start_of_frame(int m) {
    if (m > 0xC2) fail("lossless, hierarchical and arithmetic coding are not supported");
    if (components_ > 0) fail("two frame headers");
    progressive_ = m == 0xC2;
    if (const int bits = byte(); bits != 8) fail(bits, " bits per sample, only 8 is supported");
    frame_.height = word();
    frame_.width = word();
    if (frame_.height == 0 || frame_.width == 0) fail("no pixels");
    const int n = byte();
    if (n == 4) fail("CMYK colors are not supported: convert it to RGB");
    if (n != 1 && n != 3) fail(n, " components, only 1 and 3 are supported");
    int h[3], v[3];
    for (int i = 0; i < n; ++i) {
      component_[i].id = byte();
      const int sampling = byte();
      h[i] = sampling >> 4;
      v[i] = sampling & 15;
      component_[i].quantization = byte();
      if (h[i] < 1 || h[i] > 4 || v[i] < 1 || v[i] > 4) fail("bad sampling factors");
      if (component_[i].quantization > 3) fail("bad quantization table");
      for (int j = 0; j < i; ++j)
        if (component_[j].id == component_[i].id) fail("two components with the same identifier");
    }
    const int h_max = *std::max_element(h, h + n), v_max = *std::max_element(v, v + n);
    for (int i = 0; i < n; ++i)
      if (h_max % h[i] != 0 || v_max % v[i] != 0) fail("fractional sampling factors");
    const auto samples = [](int pixels, int largest, int factor) {
      return (pixels + 8 * largest - 1) / (8 * largest) * 8 * int64_t{factor};
    };
    for (int i = 0; i < n; ++i)
      component_[i].samples = samples(frame_.width, h_max, h[i]) * samples(frame_.height, v_max, v[i]);
    // A progressive image's coefficients are kept, in 16 bits.
    if (progressive_) frame_.memory += 2 * n;
    components_ = n;
  }

  void huffman_tables() {
    while (at_ < end_) {
      const int q = byte(), kind = q >> 4, id = q & 15;
      if (kind > 1 || id > 3) fail("bad Huffman table number");
      int symbols = 0, space = 0;  // the part of 2^16 that the codes take
      for (int bits = 1; bits <= 16; ++bits) {
        const int n = byte();
        symbols += n;
        space += n << (16 - bits);
      }
      if (symbols > 256) fail("a Huffman table of ", symbols, " symbols");
      if (space > 1 << 16) fail("a Huffman table whose codes overlap");
      for (int i = 0; i < symbols; ++i) byte();
      huffman_[kind][id] = true;
    }
  }

  void quantization_tables() {
    while (at_ < end_) {
      const int q = byte(), wide = q >> 4, id = q & 15;
      if (wide > 1 || id > 3) fail("bad quantization table number");
      for (int i = 0; i < 64; ++i) wide ? word() : byte();
      quantization_[id] = true;
    }
  }

  void number_of_lines() {
    if (components_ == 0) fail("a scan before the frame header");
    if (word() != frame_.height) fail("two different heights");
  }

  void start_of_scan() {
    if (components_ == 0) fail("a scan before the frame header");
    if (++scans_ > most_scans) fail("more than ", most_scans, " scans");
    const int n = byte();
    if (n < 1 || n > components_) fail("a scan of ", n, " components");
    Component* in_scan[3];
    int tables[3];
    for (int i = 0; i < n; ++i) {
      const int id = byte();
      in_scan[i] = std::find_if(component_, component_ + components_, [id](const Component& c) { return c.id == id; });
      if (in_scan[i] == component_ + components_) fail("a scan of an unknown component");
      if (std::count(in_scan, in_scan + i, in_scan[i])) fail("a component twice in one scan");
      samples_ += in_scan[i]->samples;
      tables[i] = byte();
    }
    if (samples_ > most_samples)
      fail("too many scans for ", frame_.width, " x ", frame_.height, " pixels; convert it to a baseline JPEG");
    const int first = byte(), last = byte(), bits = byte(), high = bits >> 4, low = bits & 15;
    const bool dc = first == 0, ac = !progressive_ || first > 0;
    if (progressive_ && (last > 63 || first > last || (dc && last > 0) || (ac && n > 1)))
      fail("a scan of coefficients ", first, " to ", last);
    if (!progressive_ && (first > 0 || bits != 0)) fail("a progressive scan in a baseline image");
    if (high > 13 || low > 13) fail("bad successive approximation");
    for (int i = 0; i < n; ++i) {
      const int dc_table = tables[i] >> 4, ac_table = tables[i] & 15;
      if (dc_table > 3 || ac_table > 3) fail("bad Huffman table number");
      if (dc && high == 0 && !huffman_[0][dc_table]) fail("a missing DC Huffman table");
      if (ac && !huffman_[1][ac_table]) fail("a missing AC Huffman table");
      if (!quantization_[in_scan[i]->quantization]) fail("a missing quantization table");
      if (dc && high == 0) in_scan[i]->seen = true;
      if (!in_scan[i]->seen) fail("a refining scan before the first one");
    }
  }

  // To the next marker other than a restart: FF 00 is a data byte FF, further FF are filling.
  void skip_entropy_coded_data() {
    for (;;) {
      const void* found = std::memchr(bytes_ + at_, 0xFF, size_ - at_);
      at_ = found ? static_cast<const uint8_t*>(found) - bytes_ : size_;
      const size_t start = at_;
      int m = byte();
      while (m == 0xFF) m = byte();
      if (m == 0 || (m >= 0xD0 && m <= 0xD7)) continue;
      at_ = start;
      return;
    }
  }

  const uint8_t* bytes_;
  const size_t size_;
  const std::string& name_;
  size_t at_ = 0, end_ = size_;  // the next byte; the end of the segment or of the file
  ImageSize frame_;
  int components_ = 0, scans_ = 0;
  int64_t samples_ = 0;  // in all scans
  bool progressive_ = false;
  Component component_[3];
  bool huffman_[2][4] = {}, quantization_[4] = {};
};

}  // namespace

ImageSize check_jpeg(const uint8_t* bytes, size_t size, const std::string& name) {
  return JpegCheck(bytes, size, name).run();
}

}  // namespace counterpoise::detail
