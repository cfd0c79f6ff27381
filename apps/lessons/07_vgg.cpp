// Lesson 7: VGG16. Shapes, parameters and receptive fields, layer by layer.
//
// The text beside this program is 07_vgg.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// What is known after a layer.
struct Row {
  std::string name, type;
  Index size, channels;  // the output: size x size x channels
  Index parameters;      // of this layer
  Index field = 1;       // how many pixels, in each direction, a number of the output depends on
  Index jump = 1;        // how many pixels two neighbors in the output are apart
};

Row convolution(const Row& before, const std::string& name, Index outputs) {
  Row row = {name, "Conv2D", before.size, outputs, (3 * 3 * before.channels + 1) * outputs};
  row.field = before.field + 2 * before.jump, row.jump = before.jump;
  return row;
}
Row pooling(const Row& before, const std::string& name) {
  Row row = {name, "MaxPooling2D", before.size / 2, before.channels, 0};
  row.field = before.field + before.jump, row.jump = 2 * before.jump;
  return row;
}

// Blocks of convolutions of 3 x 3 with padding 1, a pooling of 2 x 2 after each.
std::vector<Row> vgg16() {
  std::vector<Row> rows = {{"input_1", "InputLayer", 160, 3, 0}};
  const std::vector<std::pair<int, Index>> blocks = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
  for (size_t b = 0; b < blocks.size(); ++b) {
    const std::string block = "block" + std::to_string(b + 1);
    for (int i = 1; i <= blocks[b].first; ++i) {
      rows.push_back(convolution(rows.back(), block + "_conv" + std::to_string(i), blocks[b].second));
    }
    rows.push_back(pooling(rows.back(), block + "_pool"));
  }
  return rows;
}

// The receptive field, measured: on how many pixels of a row the middle of the output depends in the first blocks of
// such a network. All weights are positive and poolings are means, so that no dependence is hidden by chance.
int measured_field(int blocks) {
  Sequential net;
  for (int b = 0; b < blocks; ++b) {
    for (int i = 0; i < (b < 2 ? 2 : 3); ++i) net.add(Conv2d(1, 1, 3, {1, 1}));
    net.add(AvgPool2d(2));
  }
  for (Var weight : net.trainable()) weight.set_value(Tensor::full(cpu_backend(), weight.shape(), 1));
  const Var x(Tensor::zeros(cpu_backend(), {1, 160, 160, 1}), true), y = net(x);
  const Index side = y.shape()[1];
  std::vector<float> middle(static_cast<size_t>(side * side), 0);
  middle[static_cast<size_t>(side / 2 * side + side / 2)] = 1;
  sum(y * Var(Tensor::from<float>(cpu_backend(), y.shape(), middle))).backward();
  const std::vector<float> gradient = x.grad().to_vector<float>();
  int columns = 0;
  for (size_t column = 0; column < 160; ++column) columns += gradient[80 * 160 + column] != 0;
  return columns;
}

int main(int argc, char** argv) {
  const std::vector<Row> rows = vgg16();
  Index total = 0;
  std::printf("%-28s %-22s %10s %8s\n", "Layer (type)", "Output Shape", "Param #", "sees");
  for (const Row& row : rows) {
    const std::string shape = "(None, " + std::to_string(row.size) + ", " + std::to_string(row.size) + ", " +
                              std::to_string(row.channels) + ")";
    std::printf("%-28s %-22s %10lld %8lld\n", (row.name + " (" + row.type + ")").c_str(), shape.c_str(),
                static_cast<long long>(row.parameters), static_cast<long long>(row.field));
    total += row.parameters;
  }
  std::printf("Total params: %s\n", with_commas(total).c_str());

  // The library's network has a last layer, too: from 5 x 5 x 512 numbers to one logit.
  const std::unique_ptr<Model> model = make_model({}, cpu_backend(), /*seed=*/1);
  const Index head = model->head().parameter_count();
  std::printf("The library's: %s, and %s of its last layer\n\n", with_commas(model->parameter_count() - head).c_str(),
              with_commas(head).c_str());
  for (const int blocks : {1, 2, 3})
    std::printf("Measured after block %d: %d pixels\n", blocks, measured_field(blocks));

  std::printf("\nWith 64 channels, without biases\n");
  for (const Index convolutions : {2, 3}) {
    const Index kernel = 2 * convolutions + 1;
    std::printf("%lld of 3 x 3: %s weights; one of %lld x %lld: %s weights\n", static_cast<long long>(convolutions),
                with_commas(convolutions * 9 * 64 * 64).c_str(), static_cast<long long>(kernel),
                static_cast<long long>(kernel), with_commas(kernel * kernel * 64 * 64).c_str());
  }
  // The head of the paper, for 224 x 224 pixels and 1000 classes.
  Index features = 7 * 7 * 512, whole = total;
  for (const Index outputs : {4096, 4096, 1000}) {
    whole += (features + 1) * outputs, features = outputs;
    std::printf("%s with the next dense layer of %lld\n", with_commas(whole).c_str(), static_cast<long long>(outputs));
  }

  // The blocks as a graph, and what each layer has.
  std::vector<GraphNode> nodes = {{"image", {"160 x 160 x 3"}, {}, true}};
  Plot::Line fields = line("receptive field, pixels", {}, {}), image = line("the image, 160 pixels", {}, {}),
             numbers = line("numbers of the output", {}, {}), parameters = points("parameters", {}, {});
  Index in_block = 0;
  int convolutions = 0;
  for (size_t i = 1; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const double at = static_cast<double>(i);
    fields.x.push_back(at), fields.y.push_back(static_cast<double>(row.field));
    image.x.push_back(at), image.y.push_back(160);
    numbers.x.push_back(at), numbers.y.push_back(static_cast<double>(row.size * row.size * row.channels));
    if (row.parameters) parameters.x.push_back(at), parameters.y.push_back(static_cast<double>(row.parameters));
    in_block += row.parameters, convolutions += row.parameters > 0;
    if (row.parameters) continue;
    const std::string size = std::to_string(row.size);
    nodes.push_back({row.name.substr(0, 6),
                     {std::to_string(convolutions) + " conv of 3 x 3", "max pooling",
                      size + " x " + size + " x " + std::to_string(row.channels), with_commas(in_block)},
                     {nodes.size() - 1}});
    in_block = convolutions = 0;
  }
  nodes.push_back({"dense", {"to one logit", with_commas(head)}, {nodes.size() - 1}, true});
  image.dashed = true;
  Plot seen = {"What a number sees", "layer, poolings included", "pixels", {fields, image}},
       sizes = {"What a layer has", "layer, poolings included", "how many", {numbers, parameters}};
  sizes.log_y = true;
  sizes.lines[0].color = 2, sizes.lines[1].color = 3;
  const Folder folder(argc, argv);
  folder.write("07_vgg.svg", graph_svg("VGG16 for 160 x 160 pixels, with the parameters of each block", nodes));
  folder.write("07_field.svg", svg("The receptive field by layer", {seen}));
  folder.write("07_sizes.svg", svg("Parameters and outputs by layer", {sizes}));
}
