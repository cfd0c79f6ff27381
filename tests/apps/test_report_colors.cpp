// The eight colors of report.html's charts: whoever is color-blind must tell them apart, and see them on the page.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "apps/report/sections.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using Three = std::array<double, 3>;
using Matrix = std::array<Three, 3>;

Three times(const Matrix& m, const Three& v) {
  Three y = {};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) y[i] += m[i][j] * v[j];
  }
  return y;
}

// #rrggbb or #rgb as amounts of light from 0 to 1 (IEC 61966-2-1).
Three light_of(std::string hex) {
  if (hex.size() == 4) hex = {'#', hex[1], hex[1], hex[2], hex[2], hex[3], hex[3]};
  Three y;
  for (size_t i = 0; i < 3; ++i) {
    const double v = std::stoi(hex.substr(1 + 2 * i, 2), nullptr, 16) / 255.;
    y[i] = v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  }
  return y;
}

const Matrix to_xyz = {{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}};

// CIE L*a*b*, in which distances are about how different two colors look; 2 is just seen side by side.
Three lab_of(const Three& light) {
  const Three xyz = times(to_xyz, light), white = {0.9505, 1, 1.089};
  Three f;
  for (size_t i = 0; i < 3; ++i) {
    const double t = std::max(xyz[i] / white[i], 0.);
    f[i] = t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16. / 116;
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

// What normal, protanopic, deuteranopic and tritanopic eyes see: Machado, Oliveira and Fernandes 2009, severity 1.
const Matrix eyes[] = {
    {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
    {{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}},
    {{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}},
    {{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}}};

double difference(const std::string& a, const std::string& b) {
  double least = std::numeric_limits<double>::infinity();
  for (const Matrix& eye : eyes) {
    Three seen[2] = {times(eye, light_of(a)), times(eye, light_of(b))};
    for (Three& light : seen) {
      for (double& v : light) v = std::clamp(v, 0., 1.);
    }
    const Three x = lab_of(seen[0]), y = lab_of(seen[1]);
    least = std::min(least, std::hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]));
  }
  return least;
}

// The contrast of WCAG 2.1, which wants 3 for what is drawn.
double contrast(const std::string& a, const std::string& b) {
  const double x = times(to_xyz, light_of(a))[1] + 0.05, y = times(to_xyz, light_of(b))[1] + 0.05;
  return std::max(x, y) / std::min(x, y);
}

}  // namespace

TEST_CASE("report: color-blind readers tell the colors of charts apart") {
  const std::string style = html_report::style;
  size_t scheme = 0;
  for (const char* name : {"light", "dark"}) {
    scheme = style.find("--paper: ", scheme + 1);
    REQUIRE(scheme != std::string::npos);
    const auto color = [&](const std::string& key) {
      const size_t at = style.find("#", style.find("--" + key + ": ", scheme));
      return style.substr(at, style.find(";", at) - at);
    };
    for (int i = 0; i < 8; ++i) {
      const std::string one = color("c" + std::to_string(i));
      INFO(name << " " << one);
      CHECK(contrast(one, color("paper")) >= 3);
      for (int j = 0; j < i; ++j) {
        const std::string other = color("c" + std::to_string(j));
        INFO("and " << other << ": " << difference(one, other));
        CHECK(difference(one, other) >= 14);
      }
    }
  }
}
