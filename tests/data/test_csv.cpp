// CSV files become tables, tables are split and standardized, and what is wrong is named with its line.
#include "data/tables/csv.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/io/file.h"
#include "data/loader.h"
#include "data/tables/preprocessing.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using Texts = std::vector<std::string>;

Table table_of(const std::string& text, const CsvOptions& options = {"y"}) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", text);
  return read_csv(folder / "a.csv", options);
}

std::string complaint(const std::string& text, const CsvOptions& options = {"y"}) {
  return error_of([&] { table_of(text, options); }, ErrorKind::bad_data);
}

std::vector<Texts> rows_of(const std::string& text) {
  CsvReader reader(text, "a.csv");
  std::vector<Texts> rows = {reader.header()};
  for (Texts row; reader.next(row);) rows.push_back(row);
  return rows;
}

// `counts[c]` rows of class c, whose feature is the number of the row.
Table numbered(const std::vector<size_t>& counts) {
  Table table({}, 1, {});
  for (size_t c = 0; c < counts.size(); ++c) table.labels.insert(table.labels.end(), counts[c], int32_t(c));
  for (size_t i = 0; i < table.rows(); ++i) table.features.push_back(static_cast<double>(i));
  return table;
}

}  // namespace

TEST_CASE("csv: a table of numbers, with the label anywhere") {
  const Table table = table_of("a,y,b\n1,yes,-2.5\n 3 ,no,1e3\n+0.1,yes,.5\n");
  CHECK(table.columns == 2);
  CHECK(table.column_names == Texts{"a", "b"});
  CHECK(table.features == std::vector<double>{1, -2.5, 3, 1000, 0.1, 0.5});
  CHECK(table_of("a,y\n1e-400,0\n-1e-310,0\n").features == std::vector<double>{0, -1e-310});  // hardly a number
  CHECK(table.classes() == Texts{"no", "yes"});
  CHECK(table.labels == std::vector<int32_t>{1, 0, 1});
  CHECK(table.counts() == std::vector<int64_t>{1, 2});
  CHECK(table_of("id,a,y\nx7,1,0\nx8,2,1\n", {"y", {"id"}}).column_names == Texts{"a"});
}

TEST_CASE("csv: classes are sorted as numbers if all of them are, and else by their bytes") {
  const Table numbers = table_of("a,y\n1,10\n1,2\n1,-1\n1,2.0\n");
  CHECK(numbers.classes() == Texts{"-1", "2", "10"});
  CHECK(numbers.labels == std::vector<int32_t>{2, 1, 0, 1});
  const Table texts = table_of("a,y\n1,10\n1,2\n1,B\n1,a\n");
  CHECK(texts.classes() == Texts{"10", "2", "B", "a"});
}

TEST_CASE("csv: spaces around a label do not make another class, and a missing number makes none") {
  CHECK(table_of("a,y\n1,cat\n1, cat\n1,big dog \n1,\"big dog\"\n").classes() == Texts{"big dog", "cat"});
  CHECK(table_of("a,y\n1, 1\n1,1 \n1,0\n").classes() == Texts{"0", "1"});
  CHECK(contains(complaint("a,y\n1,0\n1, \t\n"), "line 3: column \"y\" is empty"));
  for (const char* missing : {"nan", "NaN", " NAN"}) {
    CHECK(contains(complaint(std::string("a,y\n1,0\n1,") + missing + "\n1,1\n"),
                   "line 3: column \"y\" is not a number, as it is elsewhere"));
  }
  CHECK(table_of("a,y\n1,nan\n1,pita\n1,7\n").classes() == Texts{"7", "nan", "pita"});  // bread
  CHECK(table_of("a,y\n1,nan\n").classes() == Texts{"nan"});
}

TEST_CASE("csv: quotation marks, line ends and the byte order mark of RFC 4180") {
  const std::vector<Texts> want = {{"a", "b"}, {"1", "x,y"}, {"say \"hi\"", "two\nlines"}, {"", ""}};
  CHECK(rows_of("a,b\n1,\"x,y\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n,\n") == want);
  CHECK(rows_of("\xef\xbb\xbf\"a\",b\r\n1,\"x,y\"\r\n\r\n\"say \"\"hi\"\"\",\"two\nlines\"\r\n,") == want);
  CHECK(rows_of("a\n5'6\"\n") == std::vector<Texts>{{"a"}, {"5'6\""}});  // a mark inside a field stands for itself
  CsvReader reader("\n\na\n\"1\n2\n3\"\n4\n", "a.csv");
  Texts row;
  CHECK(reader.line() == 3);
  REQUIRE(reader.next(row));
  CHECK(reader.place() == "a.csv, line 4");
  REQUIRE(reader.next(row));
  CHECK(reader.place() == "a.csv, line 7");
  CHECK(!reader.next(row));
}

TEST_CASE("csv: a file is read piece by piece, with the same rows as from memory") {
  const TemporaryFolder folder;
  std::string text = "\xef\xbb\xbfname,\"a\"\"b\"\r\n";
  const std::string fields[] = {"", "plain", "two\r\nlines", "a,b", "say \"hi\"", "\"", "cr\r"};
  for (int i = 0; i < 90000; ++i) {
    // Fields of many lengths, so that a piece ends within each kind of them.
    text += csv_field(fields[i % 7] + std::string(i % 37, 'x') + fields[i % 5]) + "," + csv_field(fields[i % 6]);
    text += i % 3 == 0 ? "\r\n" : i % 3 == 1 ? "\n" : "\n\n";
    if (i == 45000) text += csv_field(std::string(3 << 20, '\n')) + ",long\n";
  }
  write_file(folder / "a.csv", text);
  CsvReader file(folder / "a.csv"), memory(text, "a.csv");
  CHECK(file.header() == Texts{"name", "a\"b"});
  Texts row, want;
  size_t rows = 0, differ = 0;
  for (; memory.next(want); ++rows) {
    REQUIRE(file.next(row));
    differ += row != want || file.line() != memory.line();
  }
  CHECK(rows == 90001);
  CHECK(differ == 0);
  CHECK(!file.next(row));
  write_file(folder / "b.csv", "a\n\"" + std::string(3 << 20, '\n'));
  CsvReader open(folder / "b.csv");
  CHECK(contains(error_of([&] { open.next(row); }, ErrorKind::bad_data),
                 "b.csv, line 2: a quotation mark is not closed"));
  CHECK(contains(error_of([] { CsvReader("/no/such.csv"); }, ErrorKind::bad_data), "/no/such.csv"));
}

TEST_CASE("csv: a field that is written is read again") {
  for (const char* text : {"", "plain", "a,b", "say \"hi\"", "\"", "two\nlines", "cr\r", " space "}) {
    CAPTURE(text);
    CsvReader reader("a,b\n" + csv_field(text) + ",1\n", "a.csv");
    Texts row;
    REQUIRE(reader.next(row));
    CHECK(row == Texts{text, "1"});
  }
  CHECK(csv_field("plain") == "plain");
  // A name of a column that begins with the bytes of a byte order mark, which is skipped at the start of a file.
  const std::string mark = "\xef\xbb\xbfname";
  CHECK(CsvReader(csv_field(mark) + ",b\n", "a.csv").header() == Texts{mark, "b"});
}

TEST_CASE("csv: what is wrong is named with its line") {
  CHECK(contains(complaint(""), "a.csv: is empty; its first line must name the columns"));
  CHECK(contains(complaint("\r\n\n"), "is empty"));
  CHECK(contains(complaint("a,b\n1,2\n"), "a.csv: no column \"y\"; its first line names a, b"));
  CHECK(contains(complaint("a,y\n"), "holds no rows"));
  CHECK(contains(complaint("a,a,y\n1,2,3\n"), "line 1: two columns are named \"a\""));
  CHECK(contains(complaint("a,y\n1,2\n3\n"), "line 3: 1 fields, but 2 columns"));
  CHECK(contains(complaint("a,y\n1,2,3\n"), "line 2: 3 fields, but 2 columns"));
  CHECK(contains(complaint("a,y\n1,0\nx,0\n"), "line 3: column \"a\": \"x\" is not a number"));
  for (const char* bad : {"", " ", "nan", "inf", "1e999", "1 2", "0x10", "+-1", "1,5"}) {
    CAPTURE(bad);
    CHECK(contains(complaint(std::string("a,y\n1,0\n\"") + bad + "\",0\n"), "is not a number"));
  }
  CHECK(contains(complaint(std::string("a,y\n1,0\n0.5\0,1\n", 15)), "line 3: a byte is 0"));
  CHECK(contains(complaint("a,y\n1,\n"), "line 2: column \"y\" is empty"));
  CHECK(contains(complaint("a,y\n1,\"0\n2,1\n"), "line 2: a quotation mark is not closed"));
  CHECK(contains(complaint("a,y\n1,\"0\"1\n"), "line 2: text after the closing quotation mark of \"0\""));
  CHECK(contains(complaint("a,y\n1,2\n", {"y", {"id"}}), "no column \"id\" to ignore"));
  CHECK(contains(error_of([] { read_csv("/no/such.csv", {"y"}); }, ErrorKind::bad_data), "/no/such.csv"));
  CHECK(contains(error_of([] { read_csv("a.csv", {}); }, ErrorKind::invalid_argument), ".label"));
}

TEST_CASE("tables: rows that are not there, or have too few numbers, are not read") {
  const Table table({1, 2, 3, 4}, 2, {0, 1});
  CHECK(table.select_rows({1, 1}).features == std::vector<double>{3, 4, 3, 4});
  CHECK(contains(error_of([&] { table.select_rows({2}); }), "no row 2"));
  CHECK(contains(error_of([] { Table({1, 2, 3}, 2, {0, 1}).select_rows({1}); }), "3 numbers for 2 rows by 2 columns"));
}

TEST_CASE("stratified split: both parts have every class's share, and each row is in one of them") {
  const Table table = numbered({1000, 91, 2, 3});
  const auto [train, test] = stratified_split(table, 0.2, 1);
  CHECK(test.counts() == std::vector<int64_t>{200, 18, 1, 1});
  CHECK(train.counts() == std::vector<int64_t>{800, 73, 1, 2});
  std::vector<double> all = train.features;
  all.insert(all.end(), test.features.begin(), test.features.end());
  CHECK(std::is_sorted(test.features.begin(), test.features.end()));  // the rows keep their order
  std::sort(all.begin(), all.end());
  CHECK(all == table.features);
  for (size_t i = 0; i < test.rows(); ++i) CHECK_FALSE(test.labels[i] != table.labels[size_t(test.features[i])]);
  CHECK(stratified_split(table, 0.2, 1).test.features == test.features);
  CHECK(stratified_split(table, 0.2, 2).test.features != test.features);
  CHECK(contains(error_of([&] { stratified_split(numbered({5, 1}), 0.2, 1); }, ErrorKind::bad_data), "class 1"));
  for (const double share : {0., 1., -1., std::nan("")}) {
    CHECK(contains(error_of([&] { stratified_split(table, share, 1); }, ErrorKind::invalid_argument), "test share"));
  }
}

TEST_CASE("standardize: the training rows get mean 0 and deviation 1, the others the same scale") {
  Table train({1, 7, 0.1, 3, 7, 0.1, 8, 7, 0.1}, 3, {0, 1, 0}), test({4, 8, 0.1}, 3, {0});
  const Standardizer scale = standardize(train, test);
  const double deviation = std::sqrt((9. + 1 + 16) / 3);
  CHECK(scale.means() == std::vector<double>{4, 7, 0.1});
  CHECK(scale.deviations()[0] == doctest::Approx(deviation));
  CHECK(train.features[0] == doctest::Approx(-3 / deviation));
  CHECK(train.features[6] == doctest::Approx(4 / deviation));
  for (const size_t constant : {1, 2, 4, 5, 7, 8}) CHECK(train.features[constant] == 0);
  CHECK(test.features == std::vector<double>{0, 1, 0});
  Table later({4 + deviation, 7, 0.1}, 3, {1});
  scale.apply(later);
  CHECK(later.features[0] == doctest::Approx(1));
  // Differences whose squares are too small for a double are no reason to divide by zero.
  Table tiny({0, 1e-300}, 1, {0, 1});
  Standardizer(tiny).apply(tiny);
  for (const double x : tiny.features) CHECK(std::isfinite(x));

  Table narrow({1, 2}, 1, {0, 1});
  CHECK(contains(error_of([&] { scale.apply(narrow); }, ErrorKind::invalid_argument), "1 columns"));
  const Table broken({1, std::numeric_limits<double>::infinity()}, 1, {0, 1}, {}, {"amount"});
  CHECK(contains(error_of([&] { Standardizer s(broken); }, ErrorKind::bad_data), "column amount"));
  CHECK(contains(error_of([&] { Standardizer s(Table({}, 1, {})); }, ErrorKind::bad_data), "no rows"));
}

TEST_CASE("csv to batches: a table from a file trains as it stands") {
  const Table table = table_of("a,b,y\n1,2,no\n3,4,yes\n5,6,no\n");
  size_t rows = 0;
  for (const Batch& batch : DataLoader(table, {.batch_size = 2, .seed = 1, .epoch = 3})) {
    CHECK(batch.x.shape() == Shape{Index(batch.size()), 2});
    const std::vector<float> x = batch.x.to_vector<float>();
    for (size_t i = 0; i < batch.size(); ++i) {
      CHECK(x[2 * i] == 2 * static_cast<float>(batch.samples[i]) + 1);
      CHECK(batch.labels[i] == (batch.samples[i] == 1));
    }
    rows += batch.size();
  }
  CHECK(rows == 3);
}
