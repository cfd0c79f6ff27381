// The check of exercise 7: random networks, whose parameters the library counts, and VGG16.

struct Count {
  int64_t height, width, channels;  // of the input, and then of each output
  Sequential net;
  std::vector<LayerRow> layers;

  void add(const LayerRow& layer) {
    const auto next = [&](int64_t in) { return (in + 2 * layer.pad - layer.kernel) / layer.stride + 1; };
    layers.push_back(layer);
    if (layer.kind == LayerRow::dense) {
      net.add(Flatten());
      net.add(Linear(height * width * channels, layer.outputs));
      height = width = 1, channels = layer.outputs;
      return;
    }
    if (layer.kind == LayerRow::convolution) {
      net.add(Conv2d(channels, layer.outputs, layer.kernel, {layer.stride, layer.pad}));
      channels = layer.outputs;
    } else {
      net.add(MaxPool2d({layer.kernel, layer.stride, 0}));
    }
    height = next(height), width = next(width);
  }
};

void check_network(Checker& c, int kinds) {
  const int64_t height = c.whole(12, 20), width = c.whole(12, 20), channels = c.whole(1, 4);
  Count count = {height, width, channels, {}, {}};
  std::string text;
  for (int n = c.whole(1, 4); n > 0 && count.height > 3 && count.width > 3; --n) {
    LayerRow layer{};
    layer.kind = kinds > 1 && c.whole(0, 2) == 0 ? LayerRow::max_pooling : LayerRow::convolution;
    layer.kernel = c.whole(1, 3), layer.stride = c.whole(1, 2);
    if (layer.kind == LayerRow::convolution) layer.outputs = c.whole(1, 9), layer.pad = c.whole(0, 1);
    count.add(layer);
  }
  for (int n = kinds > 2 ? c.whole(1, 2) : 0; n > 0; --n) count.add({LayerRow::dense, c.whole(1, 9)});
  for (const LayerRow& layer : count.layers) {
    const std::string kernel = std::to_string(layer.kernel) + " x " + std::to_string(layer.kernel) + ", stride " +
                               std::to_string(layer.stride);
    text += layer.kind == LayerRow::dense         ? "dense to " + std::to_string(layer.outputs)
            : layer.kind == LayerRow::max_pooling ? "pooling " + kernel
                                                  : "convolution " + kernel + ", padding " + std::to_string(layer.pad) +
                                                        ", to " + std::to_string(layer.outputs);
    text += "; ";
  }
  const int64_t expected = count.net.parameter_count(), found = count_parameters(count.layers, height, width, channels);
  c.expect(found == expected, "of " + std::to_string(height) + " x " + std::to_string(width) + " x " +
                                  std::to_string(channels) + " numbers through " + text + "there should be " +
                                  std::to_string(expected) + " parameters, but you count " + std::to_string(found));
}

void check(Checker& c) {
  // Convolutions alone, then with poolings, then with dense layers.
  for (int kinds = 1; kinds <= 3; ++kinds) {
    for (int trial = 0; trial < 20; ++trial) check_network(c, kinds);
  }
  std::vector<LayerRow> vgg16;
  for (const auto& [convolutions, outputs] :
       std::vector<std::pair<int, int64_t>>{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}) {
    for (int i = 0; i < convolutions; ++i) vgg16.push_back({LayerRow::convolution, outputs, 3, 1, 1});
    vgg16.push_back({LayerRow::max_pooling, 0, 2, 2, 0});
  }
  const int64_t found = count_parameters(vgg16, 160, 160, 3);
  c.expect(found == 14714688, "VGG16 should have 14714688 parameters, but you count " + std::to_string(found));
}
