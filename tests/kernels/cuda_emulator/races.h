// Finds races: two threads access the same memory, at least one writes, and nothing orders them. A GPU may run them in
// any order, or at once; here they take turns, so that a race may well give the right numbers every time.
//
// `make races` compiles the kernels so that they tell of each access (races.cpp), and this file is what emulator.cpp
// tells of the order. A barrier, __syncthreads(), orders the threads of a block. Blocks are ordered by a fence, an
// atomic addition and a fence: what a block did before these is done for a block whose addition to the same number
// comes later. Kernels come one after the other; but in a graph only a node that waits for another comes after it.
// Nothing else orders, although the emulator's turns do: blocks run one after the other, all nodes, too, and the lanes
// of a warp show each other what they have.
//
// This looks at shared memory as compute-sanitizer's racecheck does on a GPU, and at the GPU's own memory, which
// racecheck does not. A race ends the program.
#pragma once

#include <cstddef>
#include <vector>

namespace counterpoise {

// Whether the kernels of this program tell of their accesses.
bool finds_races();

// A kernel starts; its blocks will have their shared memory here.
void begin_grid(const void* shared, size_t bytes);
// From now on all is done by a block that has not run before, until end_block().
void begin_block();
void end_block();
// All threads of the block have met at a barrier.
void pass_barrier();
// What is on its own stack no other thread sees.
void use_stack(const void* begin, size_t bytes);

// The nodes of a graph run one by one. after[i]: whether node i has run before this one for certain.
void begin_graph();
void begin_node(size_t node, const std::vector<bool>& after);
void end_graph();
// What is no kernel of ours, a copy or a call of a library, accesses memory.
void access_memory(bool writes, const void* memory, size_t bytes);

}  // namespace counterpoise
