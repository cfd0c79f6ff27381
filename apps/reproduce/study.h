// What `reproduce` repeats: rows of a published table, each with the training that repeats it and the numbers that were
// published. The functions are pure, so they are safe to call from several threads.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

namespace counterpoise {

// A measured quantity: a key of result.json, or a name of ours that results.h computes.
struct StudyMetric {
  std::string key;      // "f1"
  std::string heading;  // "F1 at 0.5"
  double factor = 1;    // 100 for percent
  int decimals = 3;
};

// A number as it was published.
struct Published {
  std::string source;  // of several: who published it; "" if there is one source
  std::string text;    // "0.835"
  double value = std::numeric_limits<double>::quiet_NaN();
};

struct StudyRow {
  std::string name;                    // "R8", as on the command line
  std::string group;                   // rows that the source compares with each other; also a name for all of them
  std::string data, method;            // what it is trained on, and how
  std::vector<std::string> arguments;  // options of the training, beside those that all rows share
  std::vector<Published> published;    // of the first metric; the first one is that by which rows are ordered
  std::string note;                    // on what was published
  std::string needs;                   // why it cannot be trained; "" if it can
  // A row of ours beside a published one, which may explain a difference: the row that it varies, and in what.
  std::string varies, variation;
  double seconds = 0;  // of one training on one core, estimated

  double value() const {
    return published.empty() ? std::numeric_limits<double>::quiet_NaN() : published.front().value;
  }
};

struct StudyResults;

struct Study {
  std::string title;                          // of the report
  std::string introduction;                   // Markdown: what is repeated, and how ours differs
  std::string source;                         // the head of the column of published numbers
  std::string authority;                      // whose order of rows ours is compared with: "slide"
  std::string run_name;                       // of the folder in runs/ where no other is given
  std::string legend;                         // what is short in the published numbers
  std::string requirements;                   // what it will take, where that needs saying
  std::vector<std::string> common;            // options of every training
  std::vector<StudyRow> rows;                 // in the order of the table
  std::vector<StudyMetric> metrics;           // the first is the one that was published
  std::map<std::string, std::string> groups;  // the titles of groups whose rows are ordered by the source
  std::vector<std::string> remarks;           // on errors of the source
  // Paragraphs that follow the table, each "" where its rows have no results.
  std::vector<std::string (*)(const Study&, const StudyResults&)> sections;

  // The position of a row by its name; rows.size() if there is none.
  size_t find(const std::string& name) const;
};

// The rows that are meant by names of rows and groups, in the order of the table; none means all. Upper and lower case
// are the same. Throws Error(invalid_argument) for a name of neither, with the nearest.
std::vector<size_t> select_rows(const Study& study, const std::vector<std::string>& names);

// The row whose training a row uses: the first one with the same options. Two rows of a source may be one experiment.
size_t training_of(const Study& study, size_t row);

// "40 s", "3 h 20 min" or "12 days".
std::string duration_text(double seconds);

}  // namespace counterpoise
