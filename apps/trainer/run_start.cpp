#include "apps/trainer/run_start.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/trainer/config.h"
#include "apps/trainer/format.h"
#include "core/io/file.h"

namespace counterpoise {

namespace {

namespace fs = std::filesystem;

std::string runs_folder() {
  const char* other = std::getenv("COUNTERPOISE_RUNS");
  return other && *other ? other : "runs";
}

// Makes runs/2026-05-04-153012-focal, or the same with -2, -3, ... if it exists.
std::string make_folder(const std::string& loss) {
  const std::string parent = runs_folder();
  make_directories(parent);
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d-%H%M%S", std::localtime(&now));
  for (int i = 1;; ++i) {
    const std::string path = text(parent, "/", date, "-", loss, i > 1 ? text("-", i) : "");
    if (mkdir(path.c_str(), 0777) == 0) return path;
    CP_ENSURE(errno == EEXIST, "cannot make the directory ", path, ": ", detail::reason(errno));
  }
}

// In what the options of the run in a folder differ from these; "" if in nothing.
std::string difference_of(const std::string& config, const Options& options, const std::set<std::string>& moved = {}) {
  return difference(read_config(config), to_json(options), moved);
}

// The newest run in runs/ with these options that can be continued.
RunStart newest(const Options& options) {
  std::error_code error;
  std::vector<std::string> folders;
  for (fs::directory_iterator it(runs_folder(), error), end; !error && it != end; it.increment(error)) {
    folders.push_back(it->path().string());
  }
  std::sort(folders.rbegin(), folders.rend());  // their names begin with the date
  for (const std::string& folder : folders) {
    const std::string work = RunFolder::find_unfinished(folder, checkpoint_name);
    if (work.empty()) continue;
    try {
      if (difference_of(work + "/config.json", options).empty()) return {folder, work, false};
    } catch (const Error&) {
      // The options of another program, or none: not the run that is looked for.
    }
  }
  return {};
}

// As start_run(), before the folder is looked at.
RunStart find_start(const Options& o) {
  if (o.output == "none" && o.resume.empty()) return {};
  CP_ENSURE_AS(invalid_argument, o.output != "none",
               "--resume: a run with --output none saves nothing to continue from");
  if (!o.resume.empty()) {
    const std::string folder = o.resume == "auto" ? o.output : o.resume;
    if (folder.empty()) {
      const RunStart found = newest(o);
      if (!found.directory.empty()) return found;
    } else {
      RunFolder::complete(folder);
      const std::string work = RunFolder::find_unfinished(folder, checkpoint_name);
      const std::string config = work.empty() ? folder + "/config.json" : work + "/config.json";
      const bool complete = work.empty() && is_there(folder + "/result.json") && is_there(config);
      if (!work.empty() || complete) {
        // (--resume auto is given all options each time, and they may be those of another run by mistake.)
        const bool may_move = o.resume != "auto";
        const std::string differs = difference_of(config, o, may_move ? movable_options() : std::set<std::string>());
        CP_ENSURE_AS(invalid_argument, differs.empty(), "--resume: the run in ", folder,
                     " has other options: ", differs, "; choose another --output");
        return {folder, work, complete};
      }
      CP_ENSURE_AS(invalid_argument, o.resume == "auto", "--resume ", folder, ": there is no interrupted run in it");
    }
  }
  return {o.output, "", false};
}

}  // namespace

RunStart start_run(const Options& o) {
  RunStart start = find_start(o);
  // (The file of --split may be that of the folder, which is written again.)
  if (!start.directory.empty() && !start.is_complete) {
    RunFolder::check_others(start.directory, true, {o.data, o.groups});
  }
  return start;
}

void make_run_folder(RunStart& start, const Options& o) {
  if (start.directory.empty() && o.output != "none") start.directory = make_folder(o.loss->name);
}

bool replaces_result(const RunStart& start) {
  return start.unfinished.empty() && is_there(start.directory + "/result.json");
}

}  // namespace counterpoise
