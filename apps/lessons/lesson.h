// What every lesson needs to show its images: the folder they go to, and short ways to name what is in a plot. And what
// several seeds measured.
#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "apps/compare/statistics.h"
#include "apps/plots/graph.h"
#include "apps/plots/pixels.h"
#include "apps/plots/plot.h"
#include "apps/show/sheet.h"

namespace counterpoise {

// The folder of a lesson's images: the program's argument, or else the one it was started in.
class Folder {
 public:
  Folder(int argc, char** argv) : path_(argc > 1 ? argv[1] : ".") { mkdir(path_.c_str(), 0777); }

  // Writes a file and says where it is. Ends the program with a line if that is not possible.
  void write(const std::string& name, const std::string& content) const {
    const std::string path = path_ + "/" + name;
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    if (!file) std::cerr << path << " cannot be written\n", std::exit(1);
    std::cout << "\nOpen " << path << "\n";
  }

 private:
  std::string path_;
};

inline Plot::Line line(const std::string& name, const std::vector<double>& x, const std::vector<double>& y) {
  return {name, x, y};
}
inline Plot::Line points(const std::string& name, const std::vector<double>& x, const std::vector<double>& y) {
  return {name, x, y, /*dashed=*/false, /*points=*/true};
}

// What several seeds measured: the mean of their numbers, the standard deviation, and each, with two digits.
struct Seeds {
  std::vector<double> numbers;

  void add(double x) { numbers.push_back(x); }
  double mean() const { return summarize(numbers).mean; }
  double deviation() const { return summarize(numbers).deviation; }
  std::string each() const {
    std::string all;
    for (const double x : numbers) {
      char text[16];
      std::snprintf(text, sizeof text, " %.2f", x);
      all += text;
    }
    return all;
  }
};

}  // namespace counterpoise
