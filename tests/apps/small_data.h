// catdog as a process, and a small data set for it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "data/images/shapes.h"
#include "data/images/synthetic.h"
#include "tests/data/image_files.h"
#include "tests/program.h"

namespace counterpoise {

inline Result catdog(const std::string& arguments) { return shell(program("catdog") + " " + arguments); }

inline void check_fails(const std::string& arguments, int code, const std::string& part) {
  check_program_fails(program("catdog"), arguments, code, part);
}

// A small data set of BMP files: synthetic cats and dogs of 32 x 32 pixels.
struct DataSet {
  explicit DataSet(int train = 6, int validation = 4) {
    for (const char* split : {"train", "validation"}) {
      for (const Animal animal : {Animal::cat, Animal::dog}) {
        const std::string name = animal == Animal::cat ? "cat" : "dog";
        make_directories(folder / (std::string(split) + "/" + name));
        const int count = split[0] == 't' ? train : validation;
        for (int i = 0; i < count; ++i) {
          write_bmp(folder / (std::string(split) + "/" + name + "/" + name + "." + std::to_string(i) + ".bmp"),
                    draw_animal(animal, 32, split[0] == 't' ? 1 : 2, i), 32);
        }
      }
    }
  }
  std::string flags(const std::string& more = "") const {
    return "--data " + folder.path() + " --image-size 32 --width 0.03125 --batch-size 4 --epochs 2 --lr 0.001 " + more;
  }
  const TemporaryFolder folder;
};

// A folder DIR/SPLIT/CLASS/CLASS.I.bmp with images of generated shapes, whose kinds are the classes in their order;
// of a split without a name DIR/CLASS/CLASS.I.bmp.
struct ShapeSet {
  ShapeSet(const std::vector<std::string>& classes, const std::vector<std::pair<std::string, int>>& splits)
      : classes(classes) {
    for (const auto& [split, count] : splits) {
      for (size_t k = 0; k < classes.size(); ++k) {
        make_directories(folder / (split + "/" + classes[k]));
        for (int i = 0; i < count; ++i) {
          write_bmp(folder / (split + "/" + classes[k] + "/" + classes[k] + "." + std::to_string(i) + ".bmp"),
                    draw_shape(k, 32, std::hash<std::string>()(split), i), 32);
        }
      }
    }
  }
  std::string flags(const std::string& more = "") const {
    return "--data " + folder.path() + " --image-size 32 --width 0.03125 --batch-size 4 --epochs 2 --lr 0.001 " +
           "--device cpu --threads 1 --workers 1 " + more;
  }
  const std::vector<std::string> classes;
  const TemporaryFolder folder;
};

// The file of a run that has not ended, or broke off; "" if there is none.
std::string in_progress(const TemporaryFolder& out, const std::string& name);

// A file of a run, without what differs from run to run: times.
std::string comparable(const std::string& folder, const std::string& name);

// A run that was interrupted has the files of one that was not.
void check_same_run(const std::string& folder, const std::string& other);

nlohmann::json result_of(const std::string& run);

}  // namespace counterpoise
