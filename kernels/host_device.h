// CP_HD marks what both the C++ compiler and nvcc build: formulas and random numbers.
#pragma once

#ifdef __CUDACC__
#define CP_HD __host__ __device__
#else
#define CP_HD
#endif
