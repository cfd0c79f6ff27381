#include "tests/kernels/cuda_emulator/races.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/kernels/cuda_emulator/emulator.h"

namespace counterpoise {

namespace {

// -- time --

// The time between two barriers of one block. Steps have numbers, because here one comes after the other: those before
// graph_begin are over, those before grid_begin are of other kernels of the graph, those before block_begin of other
// blocks, and `now` is the last.
using Step = uint32_t;
Step graph_begin = 1, grid_begin = 1, block_begin = 1, now = 1;

Step next_step() {
  if (now == std::numeric_limits<Step>::max()) {
    std::fputs("cuda emulator: more barriers than it can count; run fewer tests at once\n", stderr);
    std::abort();
  }
  return ++now;
}

// -- what is known of memory --

// The last accesses to some bytes. Step 0 is none.
struct Cell {
  Step written, read, first_read;  // (first_read: since graph_begin)
  uint16_t writer, reader;         // threads; `several` is added if others have read in the same step
};
constexpr uint16_t several = 1 << 15;

// Most accesses are to whole words of four bytes, which have a cell. What is smaller has cells of its own.
constexpr size_t page_bytes = 4096, word_bytes = 4, page_words = page_bytes / word_bytes;
struct Page {
  Cell words[page_words] = {};
  Step split[page_words] = {};  // the last access to a part of the word
  std::unique_ptr<Cell[]> bytes;
};

class Pages {
 public:
  Page& at(uintptr_t number) {
    Recent& recent = recent_[number % count];
    if (recent.number != number) recent = {number, &find(number)};
    return *recent.page;
  }
  // (Nothing is remembered from one kernel to the next.)
  void forget_if_many() {
    if (pages_.size() < most) return;
    pages_.clear();
    std::fill(std::begin(recent_), std::end(recent_), Recent{});
  }

 private:
  struct Recent {
    uintptr_t number;
    Page* page;
  };
  static constexpr size_t count = 4096, most = 20000;

  [[gnu::noinline]] Page& find(uintptr_t number) {
    auto& page = pages_[number];
    if (!page) page = std::make_unique<Page>();
    return *page;
  }

  Recent recent_[count] = {};
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages_;
};

Pages& pages = *new Pages;

struct Range {
  uintptr_t begin = 0, bytes = 0;
  bool has(uintptr_t at) const { return at - begin < bytes; }
};
Range shared_range, stack_range;
bool watching = false, instrumented = false;

// -- the order of nodes, and of blocks --

// Those of the graph that have begun, the last of which runs.
struct Node {
  Step begin;
  size_t number;
};
bool in_graph = false;
std::vector<Node> nodes;
std::vector<bool> nodes_before;
std::unordered_map<const void*, size_t> added_by;  // the node that last added to this number

bool is_node_before(size_t node) { return node == nodes.back().number || nodes_before[node]; }
bool is_node_before_at(Step step) {
  const auto later =
      std::upper_bound(nodes.begin(), nodes.end(), step, [](Step s, const Node& n) { return s < n.begin; });
  return is_node_before(std::prev(later)->number);
}

struct Span {
  Step begin, end;
};
// What blocks had done when a fence and an addition to this number followed.
std::unordered_map<const void*, std::vector<Span>> released;
// What is known to be done by the thread whose addition came later and was followed by a fence, and after the next
// barrier by its block.
std::vector<Span> acquired;
struct Moment {
  Step step;
  unsigned thread;
  bool is(Step s, unsigned t) const { return step == s && thread == t; }
};
Moment last_fence = {}, last_addition = {}, acquirer = {};
const void* added_to = nullptr;

bool is_ordered(Step step, unsigned thread) {
  if (step >= block_begin) return step != now;
  if (step < grid_begin) return is_node_before_at(step);
  if (acquirer.step == now && acquirer.thread != thread) return false;
  return std::any_of(acquired.begin(), acquired.end(), [&](const Span& s) { return s.begin <= step && step < s.end; });
}

// -- accesses --

struct Access {
  const void* address;
  size_t bytes;
  const void* code;  // where the kernel goes on
  Step begin;        // of what it can race with: of the graph, for shared memory of the block
  uint16_t thread;
};

[[noreturn]] void report(const Access& a, const char* does, Step step, unsigned other, const char* did) {
  Dl_info program = {};
  dladdr(a.code, &program);
  const bool shared = shared_range.has(reinterpret_cast<uintptr_t>(a.address));
  const std::string who = step < grid_begin    ? "another node of the graph"
                          : step < block_begin ? "another block"
                                               : "thread " + std::to_string(other);
  std::fprintf(stderr,
               "cuda emulator: a race: thread %u of block (%u, %u, %u) %s %zu bytes of %s memory that %s %s, and "
               "nothing orders them; where: addr2line -Cfipe %s %#zx\n",
               a.thread, blockIdx.x, blockIdx.y, blockIdx.z, does, a.bytes, shared ? "shared" : "the GPU's",
               who.c_str(), did, program.dli_fname,
               reinterpret_cast<uintptr_t>(a.code) - reinterpret_cast<uintptr_t>(program.dli_fbase) - 1);
  std::abort();
}

[[gnu::noinline]] void check_order(bool writes, const Cell& c, const Access& a) {
  const char* const does = writes ? "writes" : "reads";
  const bool own_write = c.written == now && c.writer == a.thread;
  if (c.written >= a.begin && !own_write && !is_ordered(c.written, a.thread)) {
    report(a, does, c.written, c.writer, "wrote");
  }
  if (!writes) return;
  // (Of the reads by other nodes and blocks only the first and the last are known.)
  if (c.read == now && c.reader != a.thread) report(a, does, now, c.reader % several, "read");
  for (const Step read : {c.first_read, c.read}) {
    if (read >= a.begin && read < block_begin && !is_ordered(read, a.thread)) report(a, does, read, 0, "read");
  }
}

template <bool writes>
void access(Cell& c, const Access& a) {
  if constexpr (writes) {
    if (c.written >= a.begin || c.read >= a.begin) check_order(true, c, a);
    c.written = now, c.writer = a.thread;
  } else {
    if (c.read == now && (c.reader == a.thread || c.reader >= several)) return;  // nothing is new
    if (c.written >= a.begin) check_order(false, c, a);
    if (c.first_read < a.begin) c.first_read = now;
    if (c.read == now) c.reader |= several;
    else c.read = now, c.reader = a.thread;
  }
}

template <bool writes>
void access_word(Page& page, size_t word, const Access& a) {
  if (page.split[word] >= a.begin) {
    for (size_t i = 0; i < word_bytes; ++i) check_order(writes, page.bytes[word * word_bytes + i], a);
  }
  access<writes>(page.words[word], a);
}

template <bool writes>
[[gnu::noinline]] void access_byte(Page& page, size_t byte, const Access& a) {
  if (!page.bytes) page.bytes.reset(new Cell[page_bytes]());
  const size_t word = byte / word_bytes;
  check_order(writes, page.words[word], a);
  page.split[word] = now;
  access<writes>(page.bytes[byte], a);
}

template <bool writes>
inline void access(const void* address, size_t bytes, const void* code) {
  const auto begin = reinterpret_cast<uintptr_t>(address);
  if (!watching || stack_range.has(begin)) return;
  const Access a = {address, bytes, code, shared_range.has(begin) ? block_begin : graph_begin,
                    static_cast<uint16_t>(threadIdx.x)};
  const bool words = begin % word_bytes == 0 && bytes % word_bytes == 0;
  for (uintptr_t at = begin; at < begin + bytes; at += words ? word_bytes : 1) {
    Page& page = pages.at(at / page_bytes);
    const size_t in_page = at % page_bytes;
    if (words) access_word<writes>(page, in_page / word_bytes, a);
    else access_byte<writes>(page, in_page, a);
  }
}

}  // namespace

bool finds_races() { return instrumented; }

void begin_grid(const void* shared, size_t bytes) {
  shared_range = {reinterpret_cast<uintptr_t>(shared), bytes};
  released.clear();
  grid_begin = next_step();
  if (in_graph) return;
  pages.forget_if_many();
  graph_begin = grid_begin;
}
void begin_block() {
  block_begin = next_step();
  acquired.clear();
  last_fence = last_addition = acquirer = {};
  watching = instrumented;
}
void end_block() { watching = false; }
void pass_barrier() { next_step(); }
void use_stack(const void* begin, size_t bytes) { stack_range = {reinterpret_cast<uintptr_t>(begin), bytes}; }

void begin_graph() {
  pages.forget_if_many();
  graph_begin = next_step();
  in_graph = true;
  nodes.clear();
  added_by.clear();
}
void begin_node(size_t node, const std::vector<bool>& after) {
  nodes.push_back({next_step(), node});
  nodes_before = after;
}
void end_graph() { in_graph = false; }
void access_memory(bool writes, const void* memory, size_t bytes) {
  if (!in_graph) return;
  begin_grid(nullptr, 0);
  begin_block();
  blockIdx = threadIdx = {0, 0, 0};
  use_stack(nullptr, 0);
  const void* const code = __builtin_return_address(0);
  writes ? access<true>(memory, bytes, code) : access<false>(memory, bytes, code);
  end_block();
}

}  // namespace counterpoise

void __threadfence() {
  using namespace counterpoise;
  if (last_addition.is(now, threadIdx.x)) {
    acquired = released[added_to];
    acquirer = last_addition;
  }
  last_fence = {now, threadIdx.x};
}
unsigned atomicAdd(unsigned* sum, unsigned value) {
  using namespace counterpoise;
  if (in_graph) {
    const auto before = added_by.find(sum);
    if (before != added_by.end() && !is_node_before(before->second)) {
      const Access a = {sum, sizeof *sum, __builtin_return_address(0), graph_begin, static_cast<uint16_t>(threadIdx.x)};
      report(a, "adds to", graph_begin, 0, "added to");
    }
    added_by[sum] = nodes.back().number;
  }
  if (last_fence.is(now, threadIdx.x)) released[sum].push_back({block_begin, now});
  last_addition = {now, threadIdx.x};
  added_to = sum;
  const unsigned before = *sum;
  *sum += value;
  return before;
}

// What the compiler calls with -fsanitize=thread, whose library is not linked: before each read and write, and once
// for each file before the program starts.
#define CP_TELLS(n)                                                                                          \
  void __tsan_read##n(void* p) { counterpoise::access<false>(p, n, __builtin_return_address(0)); }           \
  void __tsan_write##n(void* p) { counterpoise::access<true>(p, n, __builtin_return_address(0)); }           \
  void __tsan_unaligned_read##n(void* p) { counterpoise::access<false>(p, n, __builtin_return_address(0)); } \
  void __tsan_unaligned_write##n(void* p) { counterpoise::access<true>(p, n, __builtin_return_address(0)); }
extern "C" {
CP_TELLS(1)
CP_TELLS(2)
CP_TELLS(4)
CP_TELLS(8)
CP_TELLS(16)
void __tsan_read_range(void* p, size_t n) { counterpoise::access<false>(p, n, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t n) { counterpoise::access<true>(p, n, __builtin_return_address(0)); }
void __tsan_init() { counterpoise::instrumented = true; }
void __tsan_vptr_update(void**, void*) {}
}
