// Folders of small images in any layout, and what is compared of the sets that they become.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "data/images/image_sets.h"
#include "tests/data/image_files.h"

namespace counterpoise {

using Counts = std::vector<int64_t>;

struct ImageTree : ImageFiles {
  void images(const std::string& folder, int n, int from = 0) const {
    for (int i = from; i < from + n; ++i) image(folder + "/" + std::to_string(i) + ".bmp", static_cast<uint8_t>(i));
  }
  std::string csv(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  ImageSource source(const std::string& data = "") const {
    ImageSource s;
    s.data = data.empty() ? path.string() : (path / data).string();
    s.image_size = 4;
    return s;
  }
  std::string error(const ImageSource& s, ErrorKind kind = ErrorKind::bad_data) const {
    return error_of([&] { open_image_sets(s); }, kind);
  }
  std::string error() const { return error(source()); }
};

inline Counts counts(const std::unique_ptr<ImageDataset>& set) { return set ? set->counts() : Counts{}; }

inline std::vector<std::string> paths(const std::unique_ptr<ImageDataset>& set) {
  std::vector<std::string> y;
  if (set) {
    for (const auto& sample : set->samples()) y.push_back(detail::text(sample.path, " ", sample.label));
  }
  return y;
}

inline void check_same(const ImageSets& a, const ImageSets& b) {
  CHECK(paths(a.training) == paths(b.training));
  CHECK(paths(a.validation) == paths(b.validation));
  CHECK(paths(a.test) == paths(b.test));
}

}  // namespace counterpoise
