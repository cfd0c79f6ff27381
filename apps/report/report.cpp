#include "apps/report/report.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "apps/report/sections.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/format.h"
#include "apps/trainer/options.h"
#include "core/io/file.h"

namespace counterpoise {

namespace {

using namespace html_report;

// "vgg16, trained for 10 epochs with bce on 4,800 images".
std::string about(const Run& run) {
  const auto option = [&](const char* name) { return string_at(run.result, {"options", name}); };
  double images = 0;
  for (const std::string& c : run.classes) images += std::max(0., number(run.result, {"training_images", c}));
  std::string y = option("model");
  if (!y.empty()) y += ", ";
  const double epochs = number(run.result, {"options", "epochs"});
  if (epochs > 0) y += "trained for " + text(epochs) + (epochs == 1 ? " epoch" : " epochs");
  if (!option("loss").empty()) y += " with the loss " + option("loss");
  const std::string source = option("data");
  const bool synthetic = !source.empty() && is_synthetic(source);
  if (images > 0) y += " on " + whole(images) + (synthetic ? " synthetic" : "") + " images";
  if (!synthetic && !source.empty()) y += (images > 0 ? " of " : " on ") + source;
  return html(y);
}

std::string one_run(const Run& run, Json& data) {
  std::unique_ptr<TwoClasses> two;
  if (run.two_classes()) two = std::make_unique<TwoClasses>(run);
  data["classes"] = run.classes;
  data["split"] = run.split();
  if (two) data["two_classes"] = script_data(*two);
  return section("result", "Result", headline(run, two.get())) + (two ? decision_section(*two) : matrix_section(run)) +
         metrics_section(run, two.get()) +
         (two ? curves_section(*two) + scores_section(*two) : classes_section(run) + class_curves_section(run)) +
         images_section(run, two.get()) + calibration_section(run, two ? two->kept : Kept()) + epochs_section(run) +
         shares_section(run) + autobalance_section(run) + counts_section(run) + unreadable_section(run) +
         options_section(run);
}

// Links to the sections of the body.
std::string contents(const std::string& body) {
  std::string y;
  const std::string start = "<section id=\"";
  for (size_t at = body.find(start); at != std::string::npos; at = body.find(start, at + 1)) {
    const size_t id = at + start.size(), title = body.find("<h2>", id) + 4;
    y += "<a href=\"#" + body.substr(id, body.find('"', id) - id) + "\">" +
         body.substr(title, body.find("</h2>", title) - title) + "</a>\n";
  }
  return y;
}

std::string page(const std::string& title, const std::string& subtitle, const std::string& body, const Json& data) {
  return R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>)" +
         title + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n<header>\n<h1>" + title + "</h1>\n" +
         (subtitle.empty() ? "" : "<p class=\"pale\">" + subtitle + "</p>\n") + "<nav aria-label=\"Sections\">\n" +
         contents(body) + "</nav>\n</header>\n<main>\n" + body + R"(</main>
<dialog id="large" aria-label="Image"><img alt=""><p></p><code></code><form method="dialog"><button type="button">Copy the path</button> <button>Close</button></form></dialog>
<script type="application/json" id="data">)" +
         script_json(data) + "</script>\n<script>" + script + "</script>\n</body>\n</html>\n";
}

// The files of the runs, but for their reports.
std::vector<std::string> files_of(const std::vector<std::string>& run_folders) {
  std::vector<std::string> files;
  for (const std::string& folder : run_folders) {
    std::error_code missing;  // of which read_run() says what to do
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
      if (entry.path().filename() != "report.html") files.push_back(entry.path());
    }
  }
  return files;
}

}  // namespace

std::string report_html(const std::vector<std::string>& run_folders) {
  CP_ENSURE_AS(bad_data, !run_folders.empty(), "a report needs the folder of a run");
  std::vector<Run> runs;
  std::set<std::string> names;
  bool distinct = true;
  for (const std::string& folder : run_folders) {
    runs.push_back(read_run(folder));
    distinct = names.insert(runs.back().name).second && distinct;
  }
  if (!distinct) {
    for (Run& run : runs) run.name = run.folder;
  }
  Json data = Json::object();
  if (runs.size() == 1) {
    const std::string body = one_run(runs[0], data);
    return page("Training report: " + html(runs[0].name), about(runs[0]), body, data);
  }
  std::string title = "Training report: ";
  for (const Run& run : runs) {
    data["runs"].push_back(run.name);
    title += (&run == &runs[0] ? "" : ", ") + html(run.name);
  }
  return page(title, "", comparison(runs), data);
}

Exit report_command(int argc, char** argv) {
  std::vector<std::string> folders;
  std::string output;
  CLI::App app(
      "Write what training runs reached as one HTML file, which opens offline in every browser: confusion matrix, "
      "decision threshold, curves, calibration, classes, epochs, and the most wrong images; several runs side by side.",
      usage(argv[0]));
  app.add_option("DIR", folders, "Folder of a run: what --output named in training")->required();
  app.add_option("--output", output,
                 "The file to write; one that exists is replaced [DIR/report.html; with several runs report.html]")
      ->type_name("FILE");
  app.footer("Exit codes: 0 success, 1 failure (an unwritable file), 2 wrong command line, 3 no result in a folder.");
  parse_command_line(app, argc, argv);
  if (output.empty()) output = folders.size() == 1 ? folders[0] + "/report.html" : "report.html";
  check_output("--output", output, files_of(folders));
  const std::string page = report_html(folders);
  write_file(output, page);
  std::cout << printable(output) << std::endl;
  return Exit::ok;
}

}  // namespace counterpoise
