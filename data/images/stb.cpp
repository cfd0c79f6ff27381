// The one place where stb_image is compiled, and its protection.
//
// Version 2.27 has known memory errors in its JPEG decoder. check_jpeg() rejects the files that
// reach them; this file is the second line of defense. It needs these flags:
//   -fsanitize=bounds -fno-sanitize-recover=bounds   a wrong array index calls the function at the
//       end of this file, which ends the decoder instead of the program; no library is needed
//   -fwrapv                       sums that overflow wrap around instead of being undefined
//   -ftrivial-auto-var-init=zero  colors missing from a palette are black in every run
//
// Whatever stops the decoder jumps back to decode(): it is C code without destructors, and its
// memory belongs to a Session that is freed with it.
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "data/images/image.h"
#include "kernels/error.h"

namespace counterpoise {
namespace {

// The header of a block of the decoder's memory; the block follows it, as aligned as malloc's.
struct alignas(16) Block {
  Block *previous, *next;
  size_t size;
};

// One image being decoded. Memory is zeroed, so that what a damaged file leaves unwritten is the
// same in every run.
class Session {
 public:
  explicit Session(size_t budget) : budget_(budget) {}
  Session(const Session&) = delete;
  ~Session() {
    while (head_.next != nullptr) free(head_.next + 1);
  }

  void* allocate(size_t size) {
    if (size > budget_) return nullptr;
    auto* block = static_cast<Block*>(std::calloc(1, sizeof(Block) + size));
    if (block == nullptr) return nullptr;
    *block = {&head_, head_.next, size};
    if (block->next != nullptr) block->next->previous = block;
    head_.next = block;
    budget_ -= size;
    return block + 1;
  }
  void free(void* memory) {
    if (memory == nullptr) return;
    Block* block = static_cast<Block*>(memory) - 1;
    block->previous->next = block->next;
    if (block->next != nullptr) block->next->previous = block->previous;
    budget_ += block->size;
    std::free(block);
  }
  void* resize(void* memory, size_t size) {
    void* larger = allocate(size);
    if (larger == nullptr || memory == nullptr) return larger;
    const size_t old = (static_cast<Block*>(memory) - 1)->size;
    std::memcpy(larger, memory, old < size ? old : size);
    free(memory);
    return larger;
  }

  jmp_buf escape;
  const char* failure = nullptr;

 private:
  Block head_{nullptr, nullptr, 0};
  size_t budget_;
};

thread_local Session* session = nullptr;

[[noreturn]] void leave(const char* failure) {
  if (session == nullptr) {
    std::fprintf(stderr, "internal error outside of a decoder: %s\n", failure);
    std::abort();
  }
  session->failure = failure;
  std::longjmp(session->escape, 1);
}

}  // namespace
}  // namespace counterpoise

#define STBI_MALLOC(size) counterpoise::session->allocate(size)
#define STBI_REALLOC(memory, size) counterpoise::session->resize(memory, size)
#define STBI_FREE(memory) counterpoise::session->free(memory)
#define STBI_ASSERT(condition) ((condition) ? void() : counterpoise::leave("it contradicts itself (" #condition ")"))
#define STBI_MAX_DIMENSIONS 16384
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
#pragma GCC diagnostic pop

namespace counterpoise {
namespace {

// A function of its own, so that no local variable is changed between setjmp and longjmp.
const void* decode(const uint8_t* bytes, int size, int* height, int* width, bool gray) {
  if (setjmp(session->escape) != 0) return nullptr;
  int components;
  const void* pixels = nullptr;
  if (gray) pixels = stbi_load_16_from_memory(bytes, size, width, height, &components, 1);
  else pixels = stbi_load_from_memory(bytes, size, width, height, &components, 3);
  if (pixels == nullptr) session->failure = stbi_failure_reason();
  return pixels;
}

// Appends the numbers of the decoded image to `to`: its gray levels where those are of 16 bits, else its colors.
template <class Number>
void decode_all(const uint8_t* bytes, size_t size, int height, int width, const std::string& name,
                std::vector<Number>& to) {
  // The most that a valid image takes is 30 bytes a pixel, an interlaced PNG of 16 bits and four
  // channels, besides its compressed data twice. A JPEG is padded to blocks of up to 32 x 32.
  Session here((size_t{1} << 20) + 32 * (size_t(height) + 32) * (size_t(width) + 32) + 3 * size);
  session = &here;
  constexpr bool gray = sizeof(Number) == 2;
  int stated_height = 0, stated_width = 0;
  const void* pixels = decode(bytes, static_cast<int>(size), &stated_height, &stated_width, gray);
  session = nullptr;
  if (pixels == nullptr && here.failure != nullptr && std::strcmp(here.failure, "outofmem") == 0)
    here.failure = "it needs more memory than an image of its size should";
  CP_ENSURE_AS(bad_data, pixels != nullptr, name,
               ": damaged image: ", here.failure ? here.failure : "stb_image cannot decode it");
  CP_ENSURE_AS(bad_data, stated_height == height && stated_width == width, name,
               ": damaged image: its size is stated as ", width, " x ", height, " and as ", stated_width, " x ",
               stated_height);
  const Number* numbers = static_cast<const Number*>(pixels);
  to.assign(numbers, numbers + size_t(height) * width * (gray ? 1 : 3));
}

}  // namespace

Image detail::stb_decode(const uint8_t* bytes, size_t size, int height, int width, const std::string& name) {
  Image image{height, width, {}};
  decode_all(bytes, size, height, width, name, image.rgb);
  return image;
}

GrayImage detail::stb_decode_gray(const uint8_t* bytes, size_t size, int height, int width, const std::string& name) {
  GrayImage image{height, width, {}};
  decode_all(bytes, size, height, width, name, image.levels);
  return image;
}

std::string stb_version() {
#ifdef STB_IMAGE_VERSION
  const std::string version = STB_IMAGE_VERSION;
  if (!version.empty()) return version;
#endif
  return "unknown";
}

}  // namespace counterpoise

// What -fsanitize=bounds -fno-sanitize-recover=bounds calls; weak, so that a build with the whole
// sanitizer still links.
extern "C" [[noreturn]] __attribute__((weak)) void __ubsan_handle_out_of_bounds_abort(void*, void*) {
  counterpoise::leave("its tables run past the end of an array");
}
