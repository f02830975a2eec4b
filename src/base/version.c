/* base/version.c */
#include <neap/version.h>

const char *neap_version(void) {
    return NEAP_VERSION;
}
