#include "data/tables/csv.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "core/text.h"

namespace counterpoise {

CsvReader::CsvReader(std::string text, std::string name) : name_(std::move(name)), text_(std::move(text)) {
  read_header();
}

CsvReader::CsvReader(const std::string& path)
    : name_(path), file_(std::make_unique<InputFile>(path)), exhausted_(false) {
  read_on();
  read_header();
}

void CsvReader::read_header() {
  at_ = detail::byte_order_mark(text_);
  CP_ENSURE_AS(bad_data, read_row(header_), name_, ": is empty; its first line must name the columns");
}

// Drops what has been parsed, and reads as much again as is left, so that a long row is not read too often.
void CsvReader::read_on() {
  text_.erase(0, at_);
  at_ = 0;
  const size_t old = text_.size(), more = std::max(old, size_t{1} << 20);
  text_.resize(old + more);
  const size_t n = file_->read_at(offset_, &text_[old], more);
  text_.resize(old + n);
  offset_ += n;
  exhausted_ = n < more;
}

size_t CsvReader::find(const std::string& column) const {
  return static_cast<size_t>(std::find(header_.begin(), header_.end(), column) - header_.begin());
}

std::string CsvReader::place() const { return detail::text(name_, ", line ", row_line_); }

bool CsvReader::next(std::vector<std::string>& row) {
  if (!read_row(row)) return false;
  CP_ENSURE_AS(bad_data, row.size() == header_.size(), place(), ": ", row.size(), " fields, but ", header_.size(),
               " columns");
  return true;
}

bool CsvReader::ends_line(size_t at) const {
  return at >= text_.size() || text_[at] == '\n' ||
         (text_[at] == '\r' && (at + 1 >= text_.size() || text_[at + 1] == '\n'));
}

void CsvReader::skip_line_end() {
  if (at_ < text_.size() && text_[at_] == '\r') ++at_;
  if (at_ < text_.size()) ++at_, ++line_;
}

bool CsvReader::read_row(std::vector<std::string>& row) {
  while (true) {
    const size_t line = line_, at = at_;
    const bool found = parse_row(row);
    if (at_ < text_.size() || exhausted_) return found;
    // The row may go on in the rest of the file.
    at_ = at;
    line_ = line;
    read_on();
  }
}

// Stops at the end of text_, where the row may be incomplete.
bool CsvReader::parse_row(std::vector<std::string>& row) {
  while (at_ < text_.size() && ends_line(at_)) skip_line_end();
  if (at_ >= text_.size()) return false;
  row_line_ = line_;
  size_t fields = 0;
  while (true) {
    // Strings of the last row are used again, with their memory.
    if (fields == row.size()) row.emplace_back();
    std::string& field = row[fields++];
    if (at_ < text_.size() && text_[at_] == '"') {
      field.clear();
      for (++at_;; ++at_) {
        if (at_ >= text_.size() && !exhausted_) return false;
        CP_ENSURE_AS(bad_data, at_ < text_.size(), place(), ": a quotation mark is not closed");
        if (text_[at_] == '"') {
          if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
          ++at_;
        }
        line_ += text_[at_] == '\n';
        field += text_[at_];
      }
      ++at_;
      CP_ENSURE_AS(bad_data, ends_line(at_) || text_[at_] == ',', place(),
                   ": text after the closing quotation mark of \"", field, "\"");
    } else {
      const size_t first = at_;
      while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && !(text_[at_] == '\r' && ends_line(at_))) {
        ++at_;
      }
      field.assign(text_, first, at_ - first);
    }
    CP_ENSURE_AS(bad_data, field.find('\0') == std::string::npos, place(),
                 ": a byte is 0, which no text has; save the file as CSV in UTF-8");
    if (ends_line(at_)) break;
    ++at_;  // the comma
  }
  row.resize(fields);
  skip_line_end();
  return true;
}

std::string csv_field(const std::string& text) {
  const bool begins_with_mark = detail::byte_order_mark(text) > 0;  // unquoted it would be skipped at a file's start
  if (text.find_first_of(",\"\r\n") == std::string::npos && !begins_with_mark) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

bool parse_csv_number(const std::string& field, double& number) {
  const std::string_view text = detail::trimmed(field);
  if (text.empty()) return false;
  const char *begin = text.data(), *end = begin + text.size();
  if (*begin == '+' && end - begin > 1 && begin[1] != '-') ++begin;
  std::from_chars_result read = std::from_chars(begin, end, number);
  if (read.ec == std::errc::result_out_of_range) {
    // 1e999 is refused, but 1e-400 is the nearest double, 0.
    long double wide = 0;
    read = std::from_chars(begin, end, wide);
    number = static_cast<double>(wide);
  }
  return read.ec == std::errc() && read.ptr == end && std::isfinite(number);
}

namespace {

// The classes of some texts, sorted, and for each text the index of its class.
struct Classes {
  std::vector<std::string> names;
  std::vector<int32_t> labels;
};

// `key` says which texts are of one class, and the order of the classes.
template <class Key, class KeyOf>
Classes classes_by(const std::vector<std::string>& texts, const KeyOf& key) {
  std::map<Key, std::pair<std::string, int32_t>> classes;  // the first text of each, and its index
  for (const std::string& text : texts) classes.emplace(key(text), std::pair(text, 0));
  Classes y;
  for (auto& [unused, entry] : classes) {
    entry.second = static_cast<int32_t>(y.names.size());
    y.names.push_back(entry.first);
  }
  for (const std::string& text : texts) y.labels.push_back(classes.at(key(text)).second);
  return y;
}

bool is_number(const std::string& text) {
  double unused;
  return parse_csv_number(text, unused);
}

// What NumPy and others write for a number that is missing.
bool is_nan(const std::string& text) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return text.size() == 3 && std::equal(text.begin(), text.end(), "nan", same);
}

Classes classes_of(const std::vector<std::string>& texts) {
  if (!std::all_of(texts.begin(), texts.end(), is_number)) {
    return classes_by<std::string>(texts, [](const std::string& text) { return text; });
  }
  return classes_by<double>(texts, [](const std::string& text) {
    double number = 0;
    parse_csv_number(text, number);
    return number;
  });
}

}  // namespace

Table read_csv(const std::string& path, const CsvOptions& options) {
  CP_ENSURE_AS(invalid_argument, !options.label.empty(), "read_csv: say which column of ", path,
               " is the label: {.label = \"...\"}");
  CsvReader reader(path);
  const std::vector<std::string>& header = reader.header();
  for (size_t c = 0; c < header.size(); ++c) {
    CP_ENSURE_AS(bad_data, reader.find(header[c]) == c, reader.place(), ": two columns are named \"", header[c], "\"");
  }
  for (const std::string& column : options.ignore) {
    CP_ENSURE_AS(bad_data, reader.find(column) < header.size(), path, ": no column \"", column,
                 "\" to ignore; its first line names ", detail::join(header));
  }
  const size_t label = reader.find(options.label);
  CP_ENSURE_AS(bad_data, label < header.size(), path, ": no column \"", options.label, "\"; its first line names ",
               detail::join(header));

  Table table;
  std::vector<size_t> used;
  for (size_t c = 0; c < header.size(); ++c) {
    const bool ignored = std::find(options.ignore.begin(), options.ignore.end(), header[c]) != options.ignore.end();
    if (c == label || ignored) continue;
    used.push_back(c);
    table.column_names.push_back(header[c]);
  }
  table.columns = used.size();
  std::vector<std::string> labels;
  std::string missing;  // where the first label is that may be a missing number
  for (std::vector<std::string> row; reader.next(row);) {
    labels.emplace_back(detail::trimmed(row[label]));
    CP_ENSURE_AS(bad_data, !labels.back().empty(), reader.place(), ": column \"", options.label, "\" is empty");
    if (missing.empty() && is_nan(labels.back())) missing = reader.place();
    for (const size_t c : used) {
      double number = 0;
      CP_ENSURE_AS(bad_data, parse_csv_number(row[c], number), reader.place(), ": column \"", header[c], "\": \"",
                   row[c], "\" is not a number; fill in what is missing, or ignore the column");
      table.features.push_back(number);
    }
  }
  CP_ENSURE_AS(bad_data, !labels.empty(), path, ": holds no rows below the names of its columns");
  const bool numbers = std::any_of(labels.begin(), labels.end(), is_number) &&
                       std::all_of(labels.begin(), labels.end(),
                                   [](const std::string& text) { return is_number(text) || is_nan(text); });
  CP_ENSURE_AS(bad_data, missing.empty() || !numbers, missing, ": column \"", options.label,
               "\" is not a number, as it is elsewhere; fill in what is missing, or remove the row");
  Classes classes = classes_of(labels);
  table.class_names = std::move(classes.names);
  table.labels = std::move(classes.labels);
  return table;
}

}  // namespace counterpoise
