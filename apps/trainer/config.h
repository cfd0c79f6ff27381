// The options of a run as a file, config.json, which --config and --resume take back. Safe to call from several
// threads.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace counterpoise {

class OptionTable;
struct Options;

// The text of config.json: the program's version and the resolved options.
std::string config_text(const Options& options);

// The options in a config.json or result.json. Throws Error(bad_data) for a file that is neither.
nlohmann::ordered_json read_config(const std::string& file);

// The options of a file as arguments of the command. Left out are those that are among the flags `given` and, if one of
// these changes it, what belongs to another option: a loss's parameters, for example, if --loss is given. Throws
// Error(invalid_argument) for an option that is unknown, with the most similar one.
std::vector<std::string> config_arguments(const std::string& file, const OptionTable& table, const std::string& command,
                                          const std::set<std::string>& given);

// The config.json of the interrupted run in a folder, or in its newest sub-folder. Throws Error(invalid_argument) if
// there is no run that can be continued.
std::string config_of_run(const std::string& directory);

// The first option in which two configurations differ, for a message: "--lr is 0.1, not 0.01"; "" if they are the same.
// Options on which no result depends are not compared, nor are the values of those in `moved`.
std::string difference(const nlohmann::ordered_json& of_run, const nlohmann::ordered_json& wanted,
                       const std::set<std::string>& moved = {});

// The options that name files and folders of a training, which may have moved when it is resumed. (That the images are
// the same is checked by their fingerprint.)
const std::set<std::string>& movable_options();

}  // namespace counterpoise
