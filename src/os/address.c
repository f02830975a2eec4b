/* os/address.c: texts to addresses and back, by inet_pton. */
#include "os/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool neap_os_address_is_v4(const struct neap_os_address *address) {
    return memcmp(address->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* A decimal number from 0 to 65535 and nothing else. */
static bool port_read(const char *text, uint16_t *port) {
    unsigned long value = 0;
    if (*text == '\0' || strlen(text) > 5)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned long)(*text - '0');
    }
    if (value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Splits "HOST:PORT" or "[HOST]:PORT" into `host` and the rest. NULL: no port. */
static const char *host_split(const char *text, char host[INET6_ADDRSTRLEN]) {
    const char *colon = strchr(text, ':');
    const char *end = text + strlen(text), *port = NULL;
    if (*text == '[') {
        const char *close = strchr(++text, ']');
        if (!close || (close[1] != '\0' && close[1] != ':'))
            return host[0] = '\0', NULL;
        port = close[1] == ':' ? close + 2 : NULL;
        end = close;
    } else if (colon && !strchr(colon + 1, ':')) {
        port = colon + 1;
        end = colon;
    }
    size_t bytes = (size_t)(end - text);
    if (bytes >= INET6_ADDRSTRLEN)
        bytes = 0;
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    return port;
}

bool neap_os_address_read(const char *text, struct neap_os_address *address) {
    char host[INET6_ADDRSTRLEN];
    struct neap_os_address read = {.port = 0};
    const char *port = host_split(text, host);
    if (port && !port_read(port, &read.port))
        return false;
    if (inet_pton(AF_INET, host, read.bytes + sizeof(v4_prefix)) == 1)
        memcpy(read.bytes, v4_prefix, sizeof(v4_prefix));
    else if (inet_pton(AF_INET6, host, read.bytes) != 1)
        return false;
    *address = read;
    return true;
}

char *neap_os_address_write(const struct neap_os_address *address, char out[NEAP_OS_ADDRESS_ROOM]) {
    if (neap_os_address_is_v4(address))
        inet_ntop(AF_INET, address->bytes + sizeof(v4_prefix), out, NEAP_OS_ADDRESS_ROOM);
    else
        inet_ntop(AF_INET6, address->bytes, out, NEAP_OS_ADDRESS_ROOM);
    return out;
}

char *neap_os_address_write_port(const struct neap_os_address *address, char out[NEAP_OS_ADDRESS_ROOM]) {
    char host[NEAP_OS_ADDRESS_ROOM];
    const char *form = neap_os_address_is_v4(address) ? "%.45s:%u" : "[%.45s]:%u";
    snprintf(out, NEAP_OS_ADDRESS_ROOM, form, neap_os_address_write(address, host), address->port);
    return out;
}
