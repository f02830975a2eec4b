/* base/error.c: the texts of enum neap_error. */
#include <neap/error.h>

const char *neap_error_text(int error) {
    switch (error) {
    case NEAP_OK:
        return "done";
    case NEAP_ERROR_MEMORY:
        return "out of memory";
    case NEAP_ERROR_ARGUMENT:
        return "argument out of range";
    case NEAP_ERROR_PERMISSION:
        return "not permitted";
    case NEAP_ERROR_PROCESS:
        return "no such process";
    case NEAP_ERROR_FORMAT:
        return "unexpected data";
    case NEAP_ERROR_ABSENT:
        return "not there";
    case NEAP_ERROR_SYSTEM:
        return "refused by the system";
    case NEAP_ERROR_TIMEOUT:
        return "no answer in time";
    case NEAP_ERROR_BUSY:
        return "in use";
    case NEAP_ERROR_OVERRUN:
        return "overwritten meanwhile";
    default:
        return "unknown error";
    }
}
