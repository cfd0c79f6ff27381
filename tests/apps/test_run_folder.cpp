// Results are never lost and never mixed, whatever runs share a folder.
#include "apps/trainer/run_folder.h"

#include <set>
#include <thread>
#include <vector>

#include "tests/program.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> names = {"epochs.csv", "last.safetensors", "result.json", "steps.csv"};

void write_all(const RunFolder& run, const std::string& content) {
  for (const std::string& name : names) write_file(run.path(name), content);
}

std::set<std::string> listing(const std::string& directory) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory)) found.insert(entry.path().filename().string());
  return found;
}

}  // namespace

TEST_CASE("run folder: a complete run leaves its files and nothing else") {
  const TemporaryFolder parent;
  const std::string directory = parent / "runs/a";
  RunFolder run(directory);
  write_all(run, "1");
  CHECK(!fs::exists(directory + "/result.json"));
  CHECK(fs::status(run.path("")).permissions() == fs::status(directory).permissions());
  run.finish();
  CHECK(listing(directory) == std::set<std::string>(names.begin(), names.end()));
  CHECK(slurp(directory + "/result.json") == "1");
}

TEST_CASE("run folder: an earlier result and other files stay until the new result is complete") {
  const TemporaryFolder out;
  write_file(out / "notes.txt", "mine");
  RunFolder first(out.path());
  write_all(first, "1");
  first.finish();
  RunFolder second(out.path());
  write_all(second, "2");
  for (const std::string& name : names) CHECK(slurp(out / name) == "1");
  second.finish();
  for (const std::string& name : names) CHECK(slurp(out / name) == "2");
  CHECK(slurp(out / "notes.txt") == "mine");
  CHECK(listing(out.path()).size() == names.size() + 1);
}

TEST_CASE("run folder: what broken-off runs wrote stays, each in a place of its own") {
  const TemporaryFolder out;
  std::vector<std::string> left;
  for (const char* content : {"1", "2"}) {
    const RunFolder broken(out.path());
    write_file(broken.path("last.safetensors"), content);
    left.push_back(broken.path("last.safetensors"));
  }
  RunFolder run(out.path());
  write_all(run, "3");
  run.finish();
  CHECK(slurp(out / "last.safetensors") == "3");
  CHECK(slurp(left[0]) == "1");
  CHECK(slurp(left[1]) == "2");
}

TEST_CASE("run folder: of runs that finish at the same time one stays, whole") {
  const TemporaryFolder out;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        RunFolder run(out.path());
        write_all(run, std::to_string(10 * round + i));
        run.finish();
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::set<std::string> contents;
    for (const std::string& name : names) contents.insert(slurp(out / name));
    CHECK(contents.size() == 1);
    CHECK(listing(out.path()).size() == names.size());
  }
}

TEST_CASE("run folder: none is wanted, or none can be made") {
  RunFolder none;
  CHECK(!none.wanted());
  none.finish();
  CHECK(contains(error_of([] { RunFolder("/proc/nowhere"); }), "/proc/nowhere"));
}
