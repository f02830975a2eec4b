/* base/version.c: the version as a function. */
#include <neap/version.h>

const char *neap_version(void) {
    return NEAP_VERSION;
}
