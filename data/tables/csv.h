// CSV files: rows of fields separated by commas, as RFC 4180 describes them.
//
//   const Table table = read_csv("fraud.csv", {.label = "is_fraud"});
//   auto [train, test] = stratified_split(table, 0.2, /*seed=*/1);   // data/tables/preprocessing.h
//   standardize(train, test);
//
// The functions are safe to call from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "data/tables/table.h"

namespace counterpoise {

struct CsvOptions {
  std::string label;                     // the column that holds the class of each row
  std::vector<std::string> ignore = {};  // columns to leave out, such as names and numbers of rows
};

// The file as a table. Its first line names the columns. Every column but the label and the ignored ones must hold
// finite numbers; the label's may hold text or numbers, around which spaces do not count. Classes are sorted, as numbers
// if all are numbers and else by their bytes, and table.labels are indices into their names. Throws Error(bad_data),
// which names the line and the column, for any other file, for a missing value (of a label: an empty field, or "nan"
// where all others are numbers), and for two columns with the same name.
Table read_csv(const std::string& path, const CsvOptions& options);

// Reads the rows of CSV text one by one. A field that holds a comma, a quotation mark or a line break is enclosed in
// quotation marks, and a quotation mark in it is written twice. Lines end with LF or CR LF; empty ones are skipped, and
// so is the byte order mark that spreadsheets write. Not safe to use from several threads.
class CsvReader {
 public:
  // Reads the first row, the header. `name` stands for the file in messages. Throws Error(bad_data) for a text without
  // rows.
  CsvReader(std::string text, std::string name);
  // The same for a file, of which about a megabyte is in memory at a time. Throws Error(bad_data) if it cannot be read.
  explicit CsvReader(const std::string& path);

  const std::vector<std::string>& header() const { return header_; }
  // The position of the first column with this name; header().size() if there is none.
  size_t find(const std::string& column) const;

  // The next row; false at the end. Throws Error(bad_data) for a row with more or fewer fields than the header, for a
  // quoted field that is not closed, and for a byte 0.
  bool next(std::vector<std::string>& row);
  // The line on which the last row begins, counted from 1.
  size_t line() const { return row_line_; }
  // "fraud.csv, line 17".
  std::string place() const;

 private:
  void read_header();
  bool read_row(std::vector<std::string>& row);
  bool parse_row(std::vector<std::string>& row);
  bool ends_line(size_t at) const;
  void skip_line_end();
  void read_on();

  const std::string name_;
  const std::unique_ptr<const InputFile> file_;  // or null
  uint64_t offset_ = 0;                          // in the file, of what comes after text_
  bool exhausted_ = true;                        // nothing comes after text_
  std::string text_;
  std::vector<std::string> header_;
  size_t at_ = 0, line_ = 1, row_line_ = 1;
};

// The text as a field of a CSV file: in quotation marks where it needs them.
std::string csv_field(const std::string& text);

// The number that the whole field holds, spaces around it apart; false if it is not a finite number.
bool parse_csv_number(const std::string& field, double& number);

}  // namespace counterpoise
