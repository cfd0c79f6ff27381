// One row of a table is a whole option: parsing, checks, help and JSON.
#include "apps/trainer/option_table.h"

#include "apps/trainer/config.h"
#include "apps/trainer/options.h"
#include "tests/program.h"

using namespace counterpoise;

namespace {

struct Fields {
  int batch = 32;
  int64_t steps = 0;
  double width = 1, lr = 0.5;
  std::string data, device = "auto", threshold = "0.5", weights;
  bool shuffle = true, summary = false;
  Mix mix;
};

OptionTable table_of(Fields& f) {
  OptionTable t;
  t.group("Images");
  t.row(f.data, "--data", "DIR").empty_is("synthetic").help("Folder");
  t.row(f.batch, "--batch-size,-b", "N").range(1, 64).help("Images per step");
  t.row(f.shuffle, "--no-shuffle").help("In order");
  t.group("Training", "train");
  t.row(f.width, "--width", "X").range(0, 8).by_data(0.125, 1).otherwise_for("eval", "as in the file").help("Width");
  t.row(f.steps, "--max-steps", "N").otherwise("no limit").help("Steps");
  t.row(f.device, "--device", "NAME").one_of({"auto", "cpu"}).help("The device:");
  t.row(f.threshold, "--threshold", "P").help("Threshold");
  t.row(f.weights, "--weights", "FILE").only("eval").required().in_json(false).help("Weights");
  t.row(f.summary, "--summary").in_json(false).help("Summary");
  return t;
}

// What parse_command_line() makes of the arguments; fields of by_data() rows are filled.
std::set<std::string> parse(Fields& fields, std::vector<std::string> arguments, const std::string& command = "train") {
  const OptionTable table = table_of(fields);
  CLI::App app("", "program");
  table.add_to(app, command);
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  const std::set<std::string> given = parse_command_line(app, static_cast<int>(argv.size()), argv.data());
  table.fill(command, fields.data.empty(), given);
  return given;
}

std::string refusal(const std::vector<std::string>& arguments, const std::string& command = "train") {
  return error_of(
      [&] {
        Fields fields;
        parse(fields, arguments, command);
      },
      ErrorKind::invalid_argument);
}

std::string error(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// The options of catdog's training for a command line.
Options options_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "train");
  return parse_options({/*lectures=*/true}, arguments);
}

}  // namespace

TEST_CASE("option table: fields get what was given, and keep their defaults otherwise") {
  Fields f;
  const auto given = parse(f, {"--data", "d", "-b", "8", "--no-shuffle", "--device=cpu", "--threshold", "f1"});
  CHECK(f.data == "d");
  CHECK(f.batch == 8);
  CHECK(!f.shuffle);
  CHECK(f.device == "cpu");
  CHECK(f.threshold == "f1");
  CHECK(f.width == 1);  // the default for a folder
  CHECK(given == std::set<std::string>{"--data", "--batch-size", "--no-shuffle", "--device", "--threshold"});

  Fields synthetic;
  parse(synthetic, {"--data", "synthetic", "--threshold", "0.25"});
  CHECK(synthetic.data == "");
  CHECK(synthetic.shuffle);
  CHECK(synthetic.batch == 32);
  CHECK(synthetic.width == 0.125);
  CHECK(synthetic.threshold == "0.25");
  Fields wide;
  parse(wide, {"--width", "2"});
  CHECK(wide.width == 2);
}

TEST_CASE("option table: what a row does not allow is refused") {
  CHECK(contains(refusal({"-b", "0"}), "--batch-size: 0 is out of range: 1 to 64"));
  CHECK(contains(refusal({"-b", "1.5"}), "--batch-size: 1.5 is not a whole number"));
  CHECK(contains(refusal({"-b", "010"}), "\"010\" is not a number"));
  CHECK(contains(refusal({"--width", "9"}), "--width: 9 is out of range: 0 to 8"));
  CHECK(contains(refusal({"--width", "1e"}), "--width: 1e is not a number"));
  CHECK(contains(refusal({"--device", "cpus"}), "\"cpus\" is unknown; did you mean cpu? valid are auto, cpu"));
  CHECK(contains(refusal({"--data", ""}), "nothing was given"));
  CHECK(contains(refusal({"--weights", "w"}), "unknown option --weights"));
  CHECK(contains(refusal({}, "eval"), "--weights is required"));
  CHECK(contains(error([] { options_of({"--momentum", "1"}); }), "--momentum: 1 is out of range: 0 to 0.9999999"));
  CHECK(contains(refusal({"--weights", "w", "--max-steps", "3"}, "eval"), "unknown option --max-steps"));
}

TEST_CASE("catdog's options: an option that --help leaves out is named in errors, too") {
  CHECK(contains(error([] { options_of({"--body-lr", "-1"}); }), "--body-lr: -1 is out of range"));
  CHECK(contains(error([] { options_of({"--schedule", "foo"}); }), "--schedule: \"foo\" is unknown"));
}

TEST_CASE("option table: help shows what an option is for, its names and its default") {
  Fields f;
  CLI::App app("", "program");
  table_of(f).add_to(app, "train");
  std::vector<std::string> shown;
  for (const CLI::Option* option : app.get_options()) {
    shown.push_back(option->get_description() + " [" + option->get_default_str() + "]");
  }
  CHECK(shown[1] == "Folder [synthetic]");
  CHECK(shown[2] == "Images per step [32]");
  CHECK(shown[4] == "Width [synthetic: 0.125, --data: 1]");
  CHECK(shown[5] == "Steps [no limit]");
  CHECK(shown[6] == "The device: auto, cpu [auto]");
}

TEST_CASE("option table: JSON has each row's key and value, but no row that is left out") {
  Fields f;
  f.batch = 7, f.shuffle = false, f.width = 0.5;
  CHECK(table_of(f).to_json().dump() ==
        R"({"data":"synthetic","batch-size":7,"shuffle":false,"width":0.5,"max-steps":0,"device":"auto",)"
        R"("threshold":"0.5"})");
}

TEST_CASE("catdog's options: a run's JSON is what its command line resolved to") {
  const nlohmann::ordered_json json =
      to_json(options_of({"--loss", "focal", "--alpha", "none", "--mix", "remix=2", "--augment", "none", "--schedule",
                          "step", "--width", "0.5"}));
  CHECK(json["data"] == "synthetic");
  CHECK(json["loss"] == "focal");
  CHECK(json["gamma"] == 2);
  CHECK(json["alpha"] == "none");
  CHECK(json["mix"] == "remix=2");
  CHECK(json["augment"] == "none");
  CHECK(json["image-size"] == 48);
  CHECK(json["width"] == 0.5);
  CHECK(json["lr"] == 0.001);
  CHECK(json["lr-step-size"] == 1);
  CHECK(json["head"] == "lectures");
  for (const char* absent :
       {"no-shuffle", "output", "summary", "weights", "momentum", "hold-out", "max-steps", "compile"}) {
    CHECK(!json.contains(absent));
  }
}

TEST_CASE("catdog's options: --config takes back what a run resolved to, and the command line overrides it") {
  const TemporaryFolder folder;
  const std::string file = folder / "config.json";
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"--loss", "focal", "--alpha", "none", "--gamma", "1.5", "--mix", "remix=2", "--augment", "none"},
      {"--loss", "bce", "--pos-weight", "auto", "--no-shuffle", "--optimizer", "sgd", "--nesterov", "--schedule",
       "step"},
      {"--loss", "ldam", "--ema", "0.99", "--clip-norm", "3", "--patience", "2", "--max-steps", "7", "--seed", "5"},
      {"--precision", "bf16", "--compile", "--no-cuda-graphs"},
      {"--loss", "dice", "--threshold", "recall=0.95", "--hold-out", "0.2", "--temperature", "--deterministic"},
      {"--loss", "vs", "--outputs", "2", "--tau-norm", "0.5", "--adjust-logits", "1", "--threshold", "cost", "--cost",
       "fn=10"},
      {"--loss", "mse", "--weight-decay", "0.1", "--optimizer", "adamw", "--monitor", "f1", "--lr",
       "0.0123456789012345"},
  };
  for (const auto& line : lines) {
    const Options first = options_of(line);
    write_file(file, config_text(first));
    CAPTURE(config_text(first));
    CHECK(to_json(options_of({"--config", file})) == to_json(first));
  }
  write_file(file,
             config_text(options_of({"--loss", "focal", "--gamma", "3", "--optimizer", "sgd", "--momentum", "0.5"})));
  const nlohmann::ordered_json changed =
      to_json(options_of({"--config", file, "--loss", "bce", "--optimizer", "adam"}));
  CHECK(changed["loss"] == "bce");
  CHECK(!changed.contains("gamma"));
  CHECK(!changed.contains("momentum"));
  CHECK(to_json(options_of({"--config", file, "--gamma", "1"}))["gamma"] == 1);

  const auto refused = [&](const std::string& content) {
    write_file(file, content);
    return error([&] { options_of({"--config", file}); });
  };
  CHECK(contains(refused(R"({"options": {"batchsize": 3}})"),
                 "there is no option \"batchsize\" in this version; did you mean \"batch-size\"?"));
  CHECK(contains(refused(R"({"options": {"lr": [1]}})"), "lr: [1] is neither a number nor a text"));
  CHECK(contains(refused(R"({"options": {"lr": -1}})"), "--lr"));
  CHECK(contains(refused(R"({"loss": "focal"})"), "has no \"options\""));
  CHECK(contains(refused("loss: focal"), "is no JSON"));
}

TEST_CASE(
    "catdog's options: a run is continued with other threads, devices and ways to start a step, which change no "
    "result") {
  using Json = nlohmann::ordered_json;
  const Json run = to_json(options_of({"--no-cuda-graphs", "--threads", "4", "--workers", "2"}));
  CHECK(run.contains("cuda-graphs"));
  CHECK(difference(run, to_json(options_of({"--device", "cpu"}))) == "");
  CHECK(difference(Json{{"lr", 0.1}, {"compile", true}}, Json{{"lr", 0.1}}) == "--compile is true there");
}
