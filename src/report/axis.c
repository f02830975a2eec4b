/* report/axis.c: chooses round steps. */
#include "report/axis.h"

#include <assert.h>
#include <math.h>

struct neap_axis neap_axis_make(double most, size_t wanted, int cover) {
    assert(wanted >= 2 && isfinite(most));
    if (most <= 0)
        most = 1;
    double rough = most / (double)(wanted - 1);
    double power = pow(10, floor(log10(rough)));
    double ratio = rough / power;
    double step = power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
    const double rounding = 1e-9;
    double steps = cover ? ceil(most / step - rounding) : floor(most / step + rounding);
    int decimals = step < 1 ? (int)ceil(-log10(step) - rounding) : 0;
    return (struct neap_axis){step, (size_t)steps + 1, decimals};
}
