#include "apps/report/html.h"

#include <algorithm>
#include <cmath>

#include "apps/plots/plot.h"
#include "apps/trainer/format.h"

namespace counterpoise::html_report {

namespace {

constexpr const char* undefined = "<span class=\"pale\" title=\"undefined\">\u2013</span>";

// The digits without zeros at the end.
std::string trimmed(std::string digits) {
  if (digits.find('.') == std::string::npos || digits.find('e') != std::string::npos) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

}  // namespace

std::string html(const std::string& text) { return escaped(printable(text)); }

std::string short_html(const std::string& text) {
  constexpr size_t most = 24;
  const std::string all = printable(text);
  return letters(all) > most ? escaped(first_letters(all, most)) + "\u2026" : escaped(all);
}

std::string named(const std::string& name) { return "<em>" + html(name) + "</em>"; }

std::string whole(double n) {
  if (!std::isfinite(n)) return undefined;
  std::string digits = formatted("%.0f", std::fabs(n));
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return (n < 0 ? "\u2212" : "") + digits;
}

std::string percent(double x) { return std::isfinite(x) ? formatted("%.1f%%", 100 * x) : undefined; }

std::string decimal(double x, int digits) {
  if (!std::isfinite(x)) return undefined;
  return (x < 0 ? "\u2212" : "") + formatted("%.*f", digits, std::fabs(x));
}

std::string shortest(double x, int digits) { return std::isfinite(x) ? formatted("%.*g", digits, x) : undefined; }

std::string threshold_text(double p) {
  if (!std::isfinite(p)) return undefined;
  if (p < 0.9 || p >= 1) return formatted("%.2g", p);
  const int nines = std::min(12, static_cast<int>(std::floor(-std::log10(1 - p))));
  return trimmed(formatted("%.*f", nines + 2, p));
}

std::string difference(double x) {
  if (!std::isfinite(x)) return "";
  const std::string digits = formatted("%.3f", std::fabs(x));
  return digits == "0.000" ? "\u00b10.000" : (x < 0 ? "\u2212" : "+") + digits;
}

const Json& at(const Json& json, const std::string& key) {
  static const Json null;
  if (!json.is_object()) return null;
  const auto it = json.find(key);
  return it == json.end() ? null : *it;
}

double number(const Json& json, const std::vector<std::string>& path) {
  const Json* here = &json;
  for (const std::string& key : path) here = &at(*here, key);
  return here->is_number() ? here->get<double>() : NAN;
}

std::string string_at(const Json& json, const std::vector<std::string>& path) {
  const Json* here = &json;
  for (const std::string& key : path) here = &at(*here, key);
  return here->is_string() ? here->get<std::string>() : "";
}

std::string value_html(const Json& value) {
  if (value.is_string()) return html(value.get<std::string>());
  return html(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string script_json(const Json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<' || c == '>' || c == '&') {
      safe += formatted("\\u%04x", static_cast<unsigned>(c));
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string base64(const std::string& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string y;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? uint8_t(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) y += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return y;
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  if (body.empty()) return "";
  return "<section id=\"" + id + "\">\n<h2>" + title + "</h2>\n" + body + "</section>\n";
}

std::string cell(const std::string& html, double value) {
  return formatted("<data value=\"%.9g\">", std::isfinite(value) ? value : -1e300) + html + "</data>";
}

std::string note(const std::string& html) { return "<p class=\"note\">" + html + "</p>\n"; }

std::string Table::html() const {
  std::string y = "<div class=\"wide\" tabindex=\"0\" role=\"group\"";
  if (!caption.empty()) y += " aria-label=\"" + caption + "\"";
  y += std::string("><table") + (sortable ? " class=\"sortable\"" : "") + ">\n<thead><tr>";
  for (const std::string& name : header) y += "<th scope=\"col\">" + name + "</th>";
  y += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    y += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      y += i == 0 ? "<th scope=\"row\">" + row[i] + "</th>" : "<td>" + row[i] + "</td>";
    }
    y += "</tr>\n";
  }
  return y + "</tbody></table></div>\n";
}

}  // namespace counterpoise::html_report
