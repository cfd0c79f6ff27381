// The CPU quota of Linux control groups, by which containers are limited: so much time on cores per period.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/cpu/parallel.h"

namespace counterpoise::detail {

namespace {

// The cores that `quota` microseconds in each `period` are worth, rounded up; 0 where they are no limit.
int64_t cores(int64_t quota, int64_t period) {
  return quota > 0 && period > 0 ? std::max<int64_t>(1, (quota + period - 1) / period) : 0;
}

// The number at the beginning of a file; -1 where there is none.
int64_t number_in(const std::string& path) {
  int64_t number = -1;
  return std::ifstream(path) >> number ? number : -1;
}

// The limit in a control group's folder: cpu.max has quota and period, or "max" for no quota (version 2);
// version 1 has two files, and -1 for no quota.
int64_t limit_of(const std::string& folder) {
  int64_t quota = 0, period = 0;
  if (std::ifstream(folder + "/cpu.max") >> quota >> period) return cores(quota, period);
  return cores(number_in(folder + "/cpu.cfs_quota_us"), number_in(folder + "/cpu.cfs_period_us"));
}

}  // namespace

int cgroup_cores(const std::string& root) {
  int64_t least = 0;
  const auto consider = [&](int64_t limit) {
    if (limit > 0) least = least > 0 ? std::min(least, limit) : limit;
  };
  // A line is "ID:CONTROLLERS:PATH". In version 2 there are no controllers, in version 1 they name the mounted folder.
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::vector<std::string> mounts;
    if (controllers.empty()) mounts = {"", "/unified"};
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos) mounts = {"/cpu", "/" + controllers};
    for (const std::string& mount : mounts) {
      // The group and its ancestors, whose limits hold for it, too. A container may see its own group as the root.
      std::string path = line.substr(second + 1);
      for (size_t slash = path.size(); slash != std::string::npos; slash = path.rfind('/')) {
        path.resize(slash);
        consider(limit_of(root + "/sys/fs/cgroup" + mount + path));
      }
    }
  }
  return static_cast<int>(std::min<int64_t>(least, 1 << 20));
}

}  // namespace counterpoise::detail
