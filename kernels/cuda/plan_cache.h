// The fastest plan of each convolution, remembered in a file from one run of a program to the next.
//
// A row holds for a GPU, a driver and a cuDNN, which the file's first line names; one that names others is empty.
#pragma once

#include <map>
#include <string>

#include "kernels/view.h"

namespace counterpoise::detail {

class PlanCache {
 public:
  struct Row {
    Index batch;       // N, with which the plans were timed
    std::string plan;  // the name of the fastest
  };

  // Reads `folder`/convolutions-GPU.txt; an empty folder keeps rows in memory alone. `system` names GPU, driver and
  // cuDNN. A file that is missing or damaged is empty: it only saves time.
  PlanCache(const std::string& folder, const std::string& gpu, const std::string& system);

  // The row of a convolution, whose text has everything but N; null if there is none. Valid until the next call.
  const Row* find(const std::string& convolution) const;
  // Adds or replaces a row, and writes the file, together with rows that other programs added meanwhile. A file that
  // cannot be written is left as it is.
  void set(const std::string& convolution, const Row& row);
  // Forgets a row of a plan that turned out wrong.
  void remove(const std::string& convolution);

 private:
  std::map<std::string, Row> read() const;
  void write() const;

  const std::string path_, system_;
  std::map<std::string, Row> rows_;
};

// The folder for files that only save time: COUNTERPOISE_CACHE, or counterpoise/ in XDG_CACHE_HOME or ~/.cache. Empty
// if COUNTERPOISE_CACHE is empty, or none is set.
std::string cache_folder();

}  // namespace counterpoise::detail
