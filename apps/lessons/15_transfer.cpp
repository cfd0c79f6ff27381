// Lesson 15: where training begins. Initial weights, pretraining, fine-tuning, and the line between two networks.
//
// The text beside this program is 15_transfer.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// How the size of numbers changes on their way through 20 layers of 100 neurons with relu.
Plot::Line sizes_by_layer(const char* name, double deviation) {
  Plot::Line sizes = line(name, {}, {});
  Var x(init::normal({50, 100}, 1));
  for (int layer = 0; layer <= 20; ++layer) {
    sizes.x.push_back(layer), sizes.y.push_back(std::sqrt(mean(square(x)).value().item()));
    x = relu(matmul(x, init::normal({100, 100}, deviation)));
  }
  std::printf("%-10s %.3f  layer 1: %.1e  layer 20: %.1e\n", name, deviation, sizes.y[1], sizes.y[20]);
  return sizes;
}

Batch all_of(const Dataset& set) {
  DataLoader loader(set, {.batch_size = static_cast<int>(set.size()), .seed = 1});
  Batch batch = *loader.begin();
  batch.x = batch.x.cast(DType::f64);
  return batch;
}

// A network in two parts: the body computes 4 x 4 x 32 features of an image of 32 x 32 pixels, the head logits.
struct Network : Module {
  Sequential& body;
  Linear& head;

  Network(Index outputs, double deviation)
      : body(add("body", Sequential())), head(add("head", Linear(512, outputs, deviation))) {
    for (const auto& [in, out] : {std::pair(3, 8), {8, 16}, {16, 32}})
      body.add(Conv2d(in, out, 3, {1, 1}, /*relu=*/true)), body.add(MaxPool2d(2));
    body.add(Flatten());
    cast(DType::f64);
  }
  Var forward(const Var& x) override { return head(body(x)); }
};
// For cats and dogs: a head with small weights and the log-odds of the cats' share as its bias, and a trained body.
Network for_cats(const Network* trained, uint64_t seed) {
  manual_seed(seed);
  Network net(1, 0.01);
  std::vector<Var> to = net.body.trainable();
  for (size_t i = 0; trained && i < to.size(); ++i) to[i].set_value(trained->body.trainable()[i].value().clone());
  net.head.trainable()[1].set_value(Tensor::full(cpu_backend(), {1}, logit(0.25), DType::f64));
  return net;
}

constexpr int32_t cat = 0;
struct Measured {
  double loss, f1, precision;  // the last is the average precision
};
Measured measure(Network& net, const Batch& images) {
  const Var z = detach(net(images.x));
  const std::vector<double> logits = z.value().to_vector<double>();
  std::vector<bool> is_cat;
  for (const int32_t c : images.labels) is_cat.push_back(c == cat);
  const double loss = Loss("bce")(z, images.labels, cat).value().item();
  return {loss, confusion(logits, is_cat, logit(0.25)).f1(), average_precision(logits, is_cat)};
}
// Adds a third of what is measured every tenth step: three seeds together are a mean.
enum Kind { scratch, frozen, slow, whole };
void train(Network& net, Kind kind, const Batch& few, const Batch& fresh, Plot::Line& loss, Plot::Line& precision) {
  const std::vector<Var> weights = kind == frozen ? net.head.trainable() : net.trainable();
  Adam optimizer(weights, 0.002);
  std::vector<double> factors(weights.size(), kind == slow ? 0.1 : 1);  // on the learning rate
  factors.back() = factors[factors.size() - 2] = 1;                     // of the head
  optimizer.set_lr_factors(factors);
  for (size_t step = 0; step <= 80; ++step) {
    if (step % 10 == 0)
      loss.y[step / 10] += measure(net, few).loss / 3, precision.y[step / 10] += measure(net, fresh).precision / 3;
    const Var computed = net.body(few.x), features = kind == frozen ? detach(computed) : computed;
    Loss("bce")(net.head(features), few.labels, cat).backward(), optimizer.step();
  }
}

// All weights of a network: a point. And what is measured on the straight line through two points, a at 0, b at 1.
using Point = std::vector<Tensor>;
Point point_of(const Network& net) {
  Point point;
  for (const Var& v : net.trainable()) point.push_back(v.value().clone());
  return point;
}
Plot::Line between(const char* name, const Point& a, const Point& b, const Batch& images, double Measured::*what) {
  Plot::Line all = line(name, {}, {});
  Network net(1, /*deviation=*/0);  // 0: Glorot's
  std::vector<Var> weights = net.trainable();
  for (double t = -0.2; t < 1.21; t += 0.1) {
    for (size_t k = 0; k < a.size(); ++k) weights[k].set_value((Var(a[k]) * (1 - t) + Var(b[k]) * t).value());
    all.x.push_back(t), all.y.push_back(measure(net, images).*what);
  }
  return all;
}

int main(int argc, char** argv) {
  const uint64_t first = argc > 2 ? std::stoul(argv[2]) : 1;  // the pretraining's seed, after the images' folder
  manual_seed(first);
  Plot depth = {"Twenty layers with relu", "layer", "root mean square", {}, /*log_x=*/false, /*log_y=*/true};
  for (const auto& [name, deviation] :
       {std::pair("He", std::sqrt(2 / 100.)), {"Glorot", std::sqrt(1 / 100.)}, {"too small", 0.05}, {"too large", 0.3}})
    depth.lines.push_back(sizes_by_layer(name, deviation));
  // The large task: 3000 images of ten kinds of shapes.
  const SyntheticShapes shapes(std::vector<int64_t>(10, 300), 32, first);
  DataLoader loader(shapes, {.batch_size = 32, .seed = first});
  Network large(10, /*deviation=*/0);
  Adam optimizer(large.trainable(), 0.003);
  for (int epoch = 1; epoch <= 6; ++epoch)
    for (const Batch& batch : loader)
      Loss("cross-entropy")(large(batch.x.cast(DType::f64)), batch.labels).backward(), optimizer.step();
  const Batch others = all_of(SyntheticShapes(std::vector<int64_t>(10, 30), 32, first + 1));
  std::printf("shapes: %.3f of 300 new images are right\n",
              ConfusionMatrix(others.labels, predict(large(others.x)), 10).accuracy());
  Plot loss = {"Loss of the training images", "step", "loss, mean of three seeds"};
  Plot precision = {"Average precision of new images", "step", "average precision, mean of three seeds"};
  Plot way = {"From the initial to the trained weights", "0: initial, 1: trained", "loss of the training images"};
  Plot apart = {"From one trained network to another", "0: second seed, 1: third seed", "average precision"};
  std::printf("\n                training loss           F1  average precision, and of each seed\n");
  const char* names[] = {"from scratch", "frozen body", "slow body", "whole network"};
  for (const Kind kind : {scratch, frozen, slow, whole}) {
    loss.lines.push_back(line(names[kind], {0, 10, 20, 30, 40, 50, 60, 70, 80}, std::vector<double>(9)));
    precision.lines.push_back(loss.lines.back());
    Seeds f1, ranked;  // by average precision
    Point begin, end, before;
    Batch few, fresh;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      few = all_of(SyntheticImages({10, 30}, 32, 10 + seed)),
      fresh = all_of(SyntheticImages({200, 200}, 32, 20 + seed));
      Network net = for_cats(kind == scratch ? nullptr : &large, seed);
      begin = point_of(net), before = end;
      train(net, kind, few, fresh, loss.lines.back(), precision.lines.back());
      end = point_of(net), f1.add(measure(net, fresh).f1), ranked.add(measure(net, fresh).precision);
    }
    way.lines.push_back(between(names[kind], begin, end, few, &Measured::loss));
    apart.lines.push_back(between(names[kind], before, end, fresh, &Measured::precision));
    const std::vector<double>& l = loss.lines.back().y;
    std::printf("%-14s %.3f to %.3f  %.2f ± %.2f  %.2f ± %.2f:%s\n", names[kind], l[0], l[8], f1.mean(), f1.deviation(),
                ranked.mean(), ranked.deviation(), ranked.each().c_str());
  }
  const Folder folder(argc, argv);
  folder.write("15_init.svg", svg("The size of the numbers, layer by layer", {depth}));
  folder.write("15_transfer.svg", svg("Cats and dogs after shapes", {loss, precision}));
  folder.write("15_landscape.svg", svg("On straight lines between networks", {way, apart}));
}
