// Targets that read texts: command lines, and the values of options.
#include <nlohmann/json.hpp>

#include "apps/trainer/flags.h"
#include "apps/trainer/options.h"
#include "data/augment/pipeline.h"
#include "data/augment/spec.h"
#include "data/augment/spec_names.h"
#include "data/mix.h"
#include "data/tables/csv.h"
#include "losses/class_weights.h"
#include "losses/metrics/threshold_rule.h"
#include "losses/registry.h"
#include "optim/schedule.h"
#include "tests/fuzz/fuzz.h"

namespace counterpoise::fuzz {

namespace {

// -- command lines: one word on each line --

std::string read_command_line(const Bytes& input) {
  std::vector<std::string> words = {""};
  for (const uint8_t c : input) {
    if (c == '\n') words.emplace_back();
    else if (c != 0) words.back() += char(c);
  }
  // The first is the command: train or eval, with the lectures' defaults or without.
  const bool lectures = words.size() % 2 == 1;
  Options options = parse_options({lectures}, words);
  if (options.command == Options::eval || options.summary) return "";
  if (!options.data.empty()) resolve_for_classes(options, 2 + input.size() % 3);  // as when the images have been found
  require(!to_json(options).empty(), "no options");
  return "";
}

// The flags of the real table, their values there, and the names of losses and their parameters.
std::vector<std::string> command_line_words() {
  std::vector<std::string> words = {
      "\n",           "\n--",        "=",         "train\n", "eval\n",  "--",         "-h",       "--version",
      "--no-shuffle", "--weights\n", "--summary", "--init",  "--mixup", "--cutmix",   "--remix",  "cat=20,dog=60",
      "none",         "auto",        "@",         "#",       "f1",      "--output\n", "balanced", "effective=0.9",
      "1e9",          "-b",          "-1"};
  const auto options = to_json(parse_options({/*lectures=*/true}, {"train"}));
  for (const auto& [name, value] : options.items()) {
    words.push_back("\n--" + name + "\n" + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n");
    words.push_back("--" + name);
  }
  for (const LossInfo& loss : losses()) {
    words.push_back("\n--loss\n" + loss.name + "\n");
    for (const LossParam& parameter : loss.params) words.push_back("\n--" + parameter.name + "\n");
  }
  return words;
}

// -- values: the first byte says of what --

const std::vector<std::string> classes = {"cat", "dog", "a,b", "a"};

template <class Parse, class Same>
std::string twice(const std::string& text, const Parse& parse, const Same& written) {
  const std::string once = written(parse(text));
  require(written(parse(once)) == once, "\"" + once + "\" is read otherwise than it was written");
  return "";
}

std::string read_value(const Bytes& input) {
  const std::string text = input.empty() ? "" : text_of(Bytes(input.begin() + 1, input.end()));
  const auto same = [](const auto& x) { return to_string(x); };
  switch (input.empty() ? 0 : input[0] % 9) {
    case 0: {
      const std::string once = twice(text, augment::parse_policy, same);
      const auto pipelines = augment::parse_policy(text).pipelines(classes, {5, 20, 0, 3});
      for (const augment::Augmenter& one : pipelines) {
        Random rng(1, Stream::augment);
        one.plan({20, 30}, rng);
      }
      return once;
    }
    case 1:
      return twice(text, parse_mix, same);
    case 2:
      return twice(text, parse_threshold_rule, same);
    case 3:
      return parse_class_weights(text, classes, {5, 20, 0, 3}).empty() ? "none" : "";
    case 4:
      return parse_per_class(text, classes, 1).size() == classes.size() ? "" : "wrong";
    case 5:
      return parse_schedule(text) == Schedule::cosine ? "cosine" : "other";
    case 6:
      return plain_number(text).empty() ? "number" : "no number";
    case 7: {
      double number = 0;
      return parse_csv_number(text, number) ? "number" : "no number";
    }
    default:
      return parse_number("--flag", text, "none") == -1 ? "none" : "number";
  }
}

std::vector<Bytes> value_seeds() {
  std::vector<Bytes> all;
  const char* const texts[] = {"cat:blur=2@0.5,affine=25/scale:0.8..1.2,others:oneof(weak,someof=1..2(flip,add))",
                               "remix=1,kappa=3,tau=0.5",
                               "cost fn=10,fp=1",
                               "cat=6,dog=0.55,a=1,a,b=2",
                               "cat=20,dog=60",
                               "cosine",
                               "-1.5e3",
                               " 17 ",
                               "none",
                               "flip,rotate=0.2"};
  for (int kind = 0; kind < 10; ++kind) {
    all.push_back(bytes_of(std::string(1, char(kind)) + texts[kind]));
  }
  return all;
}

}  // namespace

std::vector<Target> text_targets() {
  std::vector<Target> all = {
      {"options",
       [] {
         return std::vector<Bytes>{bytes_of("train\n--loss\nfocal\n--gamma\n2"), bytes_of("eval\n--weights\na"),
                                   bytes_of("train\n--mix=remix=1,kappa=3\n--crt\n2\n--seed\n3")};
       },
       read_command_line,
       {ErrorKind::invalid_argument},
       command_line_words()},
      {"values",
       value_seeds,
       read_value,
       {ErrorKind::invalid_argument},
       [] {
         std::vector<std::string> words = {
             "=",          ",",        "cat",     "dog",   "a,b",     "flip",        "rotate=", "shift=", "none",
             "mixup=",     "cutmix=",  "kappa=",  "tau=",  "recall=", "precision=",  "fn=",     "fp=",    "cost ",
             "effective=", "balanced", "inverse", "sqrt",  "median",  ".",           "e",       "-",      "..",
             "@",          ":",        "/",       "rare:", "others:", "someof=1..2("};
         for (const std::string& name : augment::step_names()) words.push_back(name);
         return words;
       }()},
  };
  all[0].text = all[1].text = true;
  all[0].may_exit = true;
  all[0].longest = 1024;
  all[1].longest = 256;
  return all;
}

}  // namespace counterpoise::fuzz
