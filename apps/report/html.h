// Small parts of HTML pages: texts, numbers and tables. All functions are pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace counterpoise::html_report {

using Json = nlohmann::ordered_json;

// A text from a file as HTML: escaped; control characters and bytes that are not UTF-8 become \x1b and the like.
std::string html(const std::string& text);

// The same of at most 24 characters, for the labels of charts.
std::string short_html(const std::string& text);

// The name of a class, emphasized.
std::string named(const std::string& name);

// "11,000".
std::string whole(double n);
// 0.8239 as "82.4%"; an undefined number as a dash.
std::string percent(double x);
// 0.8239 as "0.824".
std::string decimal(double x, int digits = 3);
// A number in at most `digits` significant digits, without zeros at the end.
std::string shortest(double x, int digits = 4);
// A decision threshold: a probability in two significant digits; near 1, two digits after the nines.
std::string threshold_text(double p);
// 0.05 as "+0.050", with a true minus sign.
std::string difference(double x);

// The number at a path of keys, such as {"decision", "cut"}; NaN where it is missing, null or not a number.
double number(const Json& json, const std::vector<std::string>& path);
// The text at a path of keys; "" where it is missing or not a text.
std::string string_at(const Json& json, const std::vector<std::string>& path);
// The value at a key; null where the JSON is not an object or has no such key.
const Json& at(const Json& json, const std::string& key);

// A value as text: that of a string, else the JSON.
std::string value_html(const Json& value);

// JSON for a <script> element: no "<", ">" or "&" is left in it, which could end the element.
std::string script_json(const Json& json);

std::string base64(const std::string& bytes);

// <section id="ID"><h2>TITLE</h2>BODY</section>; nothing for an empty body.
std::string section(const std::string& id, const std::string& title, const std::string& body);

// A table. The cells are HTML; those of the first column are row headers.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  bool sortable = false;
  std::string caption = "";  // for screen readers
  std::string html() const;
};
// A cell that sorts by a number, whatever text it shows.
std::string cell(const std::string& html, double value);

// A paragraph in small print.
std::string note(const std::string& html);

}  // namespace counterpoise::html_report
