// Draws the figures of the folders' READMEs again, below a folder or, without one, below the current folder.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "apps/figures/figures.h"

using namespace counterpoise;

int main(int argc, char** argv) {
  const std::filesystem::path root = argc > 1 ? argv[1] : ".";
  for (const auto& figures :
       {core_figures, kernels_figures, layers_figures, losses_figures, optim_figures, data_figures}) {
    for (const Figure& figure : figures()) {
      const std::filesystem::path path = root / figure.path;
      std::error_code ignored;  // a folder that cannot be made is seen by the file
      std::filesystem::create_directories(path.parent_path(), ignored);
      std::ofstream file(path, std::ios::binary);
      file << figure.content;
      file.close();
      if (!file) {
        std::cerr << "draw: " << path.string() << " cannot be written\n";
        return 3;
      }
      std::cout << path.string() << "\n";
    }
  }
  return 0;
}
