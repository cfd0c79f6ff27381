// What is wrong with an HTML page or an SVG image.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support.h"

namespace counterpoise {

// Tags that are not nested, attributes without quotes, bare < and &, other than one element that holds all. "" for
// nothing.
inline std::string markup_error(const std::string& text) {
  static const std::vector<std::string> empty = {"meta", "link", "img", "br", "input"};
  std::vector<std::string> open;
  int roots = 0;
  for (size_t i = text.rfind("<!DOCTYPE", 0) == 0 ? text.find('>') + 1 : 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      const size_t end = text.find(';', i);
      if (end == std::string::npos || end - i > 6) return "bare & at " + text.substr(i, 30);
    }
    if (text[i] != '<') continue;
    const size_t end = text.find('>', i);
    if (end == std::string::npos) return "unclosed tag " + text.substr(i, 30);
    const std::string tag = text.substr(i + 1, end - i - 1), name = tag.substr(0, tag.find_first_of(" \n/", 1));
    if (tag[0] == '/') {
      if (open.empty() || tag != "/" + open.back()) {
        return "<" + tag + "> closes <" + (open.empty() ? "" : open.back()) + "> before " + text.substr(end, 40);
      }
      open.pop_back();
    } else {
      if (std::count(tag.begin(), tag.end(), '"') % 2 != 0 || contains(tag, "<")) return "quotes in <" + tag + ">";
      for (size_t at = tag.find('='); at != std::string::npos; at = tag.find('=', tag.find('"', at + 2))) {
        if (at + 1 >= tag.size() || tag[at + 1] != '"') return "attribute in <" + tag + ">";
      }
      roots += open.empty();
      const bool is_empty = tag.back() == '/' || std::find(empty.begin(), empty.end(), name) != empty.end();
      if (!is_empty) open.push_back(name);
    }
    i = end;
    // The content of these two is no HTML, and ends at the first end tag.
    if (name == "script" || name == "style") i = text.find("</" + name, end) - 1;
  }
  if (!open.empty()) return "<" + open.back() + "> is not closed";
  return roots == 1 ? "" : "not one element that holds all";
}

}  // namespace counterpoise
