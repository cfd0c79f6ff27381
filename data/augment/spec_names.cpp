#include "data/augment/spec_names.h"

#include <cctype>
#include <map>

#include "core/nearest_name.h"
#include "core/table.h"
#include "data/augment/spec_table.h"

namespace counterpoise::augment {

namespace {

// Without case, hyphens and underscores, nor what stands in parentheses.
std::string plain(const std::string& name) {
  std::string y;
  for (const char c : name.substr(0, name.find_first_of("=("))) {
    if (c != '-' && c != '_') y += char(std::tolower(static_cast<unsigned char>(c)));
  }
  return y;
}

// What others call the same, plain and without "random" before it.
const std::map<std::string, std::string>& elsewhere() {
  static const std::map<std::string, std::string> names = {{"additivegaussiannoise", "noise"},
                                                           {"adjustsharpness", "sharpness"},
                                                           {"brightnesscontrast", "jitter"},
                                                           {"coarsedropout", "erase"},
                                                           {"colorjitter", "jitter"},
                                                           {"cutout", "erase"},
                                                           {"elastictransform", "elastic"},
                                                           {"elastictransformation", "elastic"},
                                                           {"fliplr", "flip"},
                                                           {"flipud", "vflip"},
                                                           {"gaussianblur", "blur"},
                                                           {"gaussiannoise", "noise"},
                                                           {"gaussnoise", "noise"},
                                                           {"grey", "gray"},
                                                           {"greyscale", "gray"},
                                                           {"grayscale", "gray"},
                                                           {"hflip", "flip"},
                                                           {"horizontalflip", "flip"},
                                                           {"huesaturationvalue", "jitter"},
                                                           {"erasing", "erase"},
                                                           {"perspectivetransform", "perspective"},
                                                           {"piecewiseaffine", "elastic"},
                                                           {"ra", "randaugment"},
                                                           {"rotation", "rotate=0.2"},
                                                           {"rrc", "resized-crop"},
                                                           {"scale", "affine=scale:0.2"},
                                                           {"shear", "affine=shear:10"},
                                                           {"shift", "affine=translate:0.1"},
                                                           {"shiftscalerotate", "affine=25/scale:0.1/translate:0.1"},
                                                           {"sizedcrop", "resized-crop"},
                                                           {"ta", "trivialaugment"},
                                                           {"togray", "gray"},
                                                           {"translate", "affine=translate:0.1"},
                                                           {"translation", "affine=translate:0.1"},
                                                           {"trivialaugmentwide", "trivialaugment"},
                                                           {"verticalflip", "vflip"},
                                                           {"zoom", "affine=scale:0.2"}};
  return names;
}

// A row that does nothing without a parameter, with one.
std::string complete(const std::string& name) {
  const Row* row = find_row(name);
  return row && row->needs_parameter ? row->example : name;
}

}  // namespace

std::vector<std::string> step_names() {
  std::vector<std::string> names = detail::names_of(rows());
  for (const Preset& preset : presets()) names.push_back(preset.name);
  names.insert(names.end(), {"oneof(...)", "someof=N(...)", "all(...)"});
  return names;
}

std::string suggested_step(const std::string& name) {
  const std::vector<std::string> known = step_names();
  const std::string given = plain(name), bare = given.rfind("random", 0) == 0 ? given.substr(6) : given;
  for (const std::string& word : {given, bare}) {
    for (const std::string& one : known) {
      if (plain(one) == word) return complete(one);
    }
    const auto found = elsewhere().find(word);
    if (found != elsewhere().end()) return found->second;
  }
  std::vector<std::string> words;
  for (const std::string& one : known) words.push_back(plain(one));
  const std::string nearest = nearest_name(given, words);
  for (const std::string& one : known) {
    if (!nearest.empty() && plain(one) == nearest) return complete(one);
  }
  return "";
}

}  // namespace counterpoise::augment
