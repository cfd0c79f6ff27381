// HD marks what both the C++ compiler and nvcc build: formulas and random numbers.
#pragma once

#ifdef __CUDACC__
#define HD __host__ __device__
#else
#define HD
#endif
