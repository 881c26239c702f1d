// The processor's peak rate of operations: fused multiply-adds that stay in registers.
#include <stdio.h>
#include <time.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

enum { CHAINS = 12, ROUNDS = 4000000 };  // Enough chains to hide the latency of an operation.

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

#if defined(__AVX512F__)
enum { LANES = 16 };
typedef __m512 floats;
#define MULTIPLY_ADD(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#elif defined(__AVX2__)
enum { LANES = 8 };
typedef float floats __attribute__((vector_size(32)));
#define MULTIPLY_ADD(sum, a, b) ((a) * (b) + (sum))
#else
enum { LANES = 4 };
typedef float floats __attribute__((vector_size(16)));
#define MULTIPLY_ADD(sum, a, b) ((a) * (b) + (sum))
#endif

static double fp32(floats *sums, floats a, floats b) {
    floats s[CHAINS];
    for (int i = 0; i < CHAINS; i++) s[i] = sums[i];
    double started = now();
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) s[i] = MULTIPLY_ADD(s[i], a, b);
    }
    double seconds = now() - started;
    for (int i = 0; i < CHAINS; i++) sums[i] = s[i];
    return 2.0 * LANES * CHAINS * (double)ROUNDS / seconds;
}

#if defined(__AVX512BF16__)
static double bf16(floats *sums, __m512bh a, __m512bh b) {
    floats s[CHAINS];
    for (int i = 0; i < CHAINS; i++) s[i] = sums[i];
    double started = now();
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) s[i] = _mm512_dpbf16_ps(s[i], a, b);
    }
    double seconds = now() - started;
    for (int i = 0; i < CHAINS; i++) sums[i] = s[i];
    return 4.0 * LANES * CHAINS * (double)ROUNDS / seconds;
}
#endif

int main(void) {
    static floats sums[CHAINS];
    static volatile floats zero;  // Volatile, so that the compiler does not know its value.
    double best = 0, best16 = 0;
    for (int turn = 0; turn < 5; turn++) {
        double rate = fp32(sums, zero, zero);
        if (rate > best) best = rate;
#if defined(__AVX512BF16__)
        rate = bf16(sums, (__m512bh)zero, (__m512bh)zero);
        if (rate > best16) best16 = rate;
#endif
    }
    printf("fp32 %.0f\n", best);
    if (best16 > 0) printf("bf16 %.0f\n", best16);
    return ((float *)sums)[0] != 0;
}
