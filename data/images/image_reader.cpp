// How images become batches on a backend.
//
// The loader's threads read bytes and draw each image's augmentation. Where that is a transform of a backend (flips,
// crops, rotations, changes of color: Plan::image_transform()), Backend::images() computes it on the way from bytes to
// floats, and a remote backend gets bytes, a quarter of what floats would be. It keeps them: each image is uploaded
// once, and from the second epoch on a batch is only a list of indices and transforms - unless the dataset takes more
// bytes than DataLoaderOptions::resident_bytes; then the bytes are uploaded with each batch. Any other augmentation
// (blur, elastic, equalize) is computed by the loader's threads, and the batch is uploaded.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "data/augment/pipeline.h"
#include "data/images/image_dataset.h"
#include "data/loader.h"

namespace counterpoise {

namespace detail {

// The bytes of a dataset's images in a remote backend's memory, shared by all loaders of the dataset that live at the
// same time. Safe to use from several threads.
class ResidentImages {
 public:
  // Those of the dataset on this backend; null where the backend is not remote, the dataset is empty, or its images
  // take more than `limit` bytes.
  static std::shared_ptr<ResidentImages> of(const ImageDataset& dataset, Backend& backend, size_t limit);

  ResidentImages(const ImageDataset& dataset, Backend& backend);
  // Whether image i has been uploaded, so that it need not be read again.
  bool has(size_t i) const { return there_[i]; }
  // Uploads the image unless it has been uploaded already.
  void upload(size_t i, const ImageDataset::Bytes& image);
  // [images of the dataset, S, S, 3] u8.
  const Tensor& bytes() const { return bytes_; }

 private:
  Backend& backend_;
  const Shape image_;
  Tensor bytes_;
  std::mutex mutex_;
  std::unique_ptr<std::atomic<bool>[]> there_;
};

namespace {

// Writes an image's bytes to place i of `all` [M, S, S, 3].
void upload_image(Backend& backend, const ImageDataset::Bytes& image, Index i, const Shape& shape, Tensor& all) {
  const View view = all;
  backend.upload(image->data(), {view.as<uint8_t>() + i * shape.size(), shape, DType::u8});
}

}  // namespace

ResidentImages::ResidentImages(const ImageDataset& dataset, Backend& backend)
    : backend_(backend),
      image_({dataset.image_size(), dataset.image_size(), 3}),
      bytes_(Tensor::empty(backend, {Index(dataset.size()), image_[0], image_[1], 3}, DType::u8)),
      there_(new std::atomic<bool>[dataset.size()]()) {}

std::shared_ptr<ResidentImages> ResidentImages::of(const ImageDataset& dataset, Backend& backend, size_t limit) {
  const size_t needed = dataset.size() * static_cast<size_t>(dataset.image_size()) * dataset.image_size() * 3;
  if (!backend.is_remote() || needed == 0 || needed > limit) return nullptr;
  std::lock_guard<std::mutex> lock(dataset.mutex_);
  std::weak_ptr<ResidentImages>& known = dataset.resident_[&backend];
  std::shared_ptr<ResidentImages> images = known.lock();
  if (!images) known = images = std::make_shared<ResidentImages>(dataset, backend);
  return images;
}

void ResidentImages::upload(size_t i, const ImageDataset::Bytes& image) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (there_[i]) return;
  CP_ENSURE(image, "the bytes of image ", i, " are missing");
  upload_image(backend_, image, static_cast<Index>(i), image_, bytes_);
  there_[i] = true;
}

namespace {

class ImageReader : public BatchReader {
 public:
  ImageReader(const ImageDataset& dataset, const DataLoaderOptions& options);
  std::unique_ptr<Content> read(std::vector<Request>& requests) const override;
  Tensor collate(Content& content, const std::vector<size_t>& order) override;

 private:
  struct Images : Content {
    bool resident = false;  // whether they are read from the resident images
    std::vector<size_t> samples;
    std::vector<ImageDataset::Bytes> bytes;  // null where resident already
    std::vector<ImageTransform> transforms;
    Tensor on_backend;  // [N, S, S, 3] u8, once they have been uploaded and are not resident
  };

  augment::Plan plan(Request& request) const;

  const ImageDataset& dataset_;
  Backend& backend_;
  const DType dtype_;
  std::vector<augment::Augmenter> of_class_;        // empty without augmentation
  const std::shared_ptr<ResidentImages> resident_;  // or null
};

ImageReader::ImageReader(const ImageDataset& dataset, const DataLoaderOptions& options)
    : dataset_(dataset),
      backend_(*options.backend),
      dtype_(options.dtype),
      resident_(ResidentImages::of(
          dataset, backend_,
          options.resident_bytes < 0 ? backend_.memory_bytes() / 8 : static_cast<size_t>(options.resident_bytes))) {
  if (options.augment.none()) return;
  std::vector<int64_t> counts = options.class_counts;
  if (counts.empty()) counts = options.samples ? dataset.counts(*options.samples) : dataset.counts();
  of_class_ = options.augment.pipelines(dataset.classes(), counts);
}

augment::Plan ImageReader::plan(Request& request) const {
  const augment::Size size{dataset_.image_size(), dataset_.image_size()};
  if (of_class_.empty()) return augment::Plan(size);
  return of_class_.at(static_cast<size_t>(dataset_.label(request.sample))).plan(size, request.random);
}

std::unique_ptr<BatchReader::Content> ImageReader::read(std::vector<Request>& requests) const {
  auto images = std::make_unique<Images>();
  const int S = dataset_.image_size();
  std::vector<augment::Plan> plans;
  std::vector<std::optional<ImageTransform>> transforms;
  for (Request& request : requests) {
    plans.push_back(plan(request));
    CP_ENSURE_AS(invalid_argument, plans.back().size() == augment::Size({S, S}), "the augmentation makes images of ",
                 plans.back().size().width, " x ", plans.back().size().height, " pixels of those of ", S, " x ", S,
                 ", but all images of a batch have one size: leave that as it is");
    transforms.push_back(plans.back().image_transform());
  }
  images->resident =
      resident_ && std::all_of(transforms.begin(), transforms.end(), [](const auto& t) { return t.has_value(); });
  std::vector<Request> readable;
  for (size_t i = 0; i < requests.size(); ++i) {
    const bool there = images->resident && resident_->has(requests[i].sample);
    ImageDataset::Bytes bytes = there ? nullptr : dataset_.load(requests[i].sample);
    if (!there && !bytes) continue;
    if (!transforms[i]) {
      Image changed = plans[i]({{S, S, *bytes}}).image;
      bytes = std::make_shared<const std::vector<uint8_t>>(std::move(changed.rgb));
    }
    images->samples.push_back(requests[i].sample);
    images->bytes.push_back(std::move(bytes));
    images->transforms.push_back(transforms[i].value_or(ImageTransform{}));
    readable.push_back(requests[i]);
  }
  requests = std::move(readable);
  return images;
}

Tensor ImageReader::collate(Content& content, const std::vector<size_t>& order) {
  Images& images = static_cast<Images&>(content);
  const Index S = dataset_.image_size(), N = static_cast<Index>(order.size());
  const size_t M = images.samples.size();
  if (images.resident) {
    for (size_t i = 0; i < M; ++i) resident_->upload(images.samples[i], images.bytes[i]);
  } else if (!images.on_backend.defined()) {
    images.on_backend = Tensor::empty(backend_, {Index(M), S, S, 3}, DType::u8);
    for (size_t i = 0; i < M; ++i) {
      upload_image(backend_, images.bytes[i], static_cast<Index>(i), {S, S, 3}, images.on_backend);
    }
  }
  std::vector<int32_t> index;
  std::vector<uint8_t> transforms(order.size() * sizeof(ImageTransform));
  for (size_t n = 0; n < order.size(); ++n) {
    index.push_back(static_cast<int32_t>(images.resident ? images.samples[order[n]] : order[n]));
    std::memcpy(transforms.data() + n * sizeof(ImageTransform), &images.transforms[order[n]], sizeof(ImageTransform));
  }
  Tensor x = Tensor::empty(backend_, {N, S, S, 3}, dtype_);
  backend_.images(images.resident ? resident_->bytes() : images.on_backend, Tensor::from(backend_, {N}, index),
                  Tensor::from(backend_, {N, Index(sizeof(ImageTransform))}, transforms), x);
  return x;
}

}  // namespace

}  // namespace detail

std::unique_ptr<BatchReader> ImageDataset::reader(const DataLoaderOptions& options) const {
  return std::make_unique<detail::ImageReader>(*this, options);
}

}  // namespace counterpoise
