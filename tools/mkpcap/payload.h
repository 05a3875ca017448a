/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Application payloads of the demo: what a classifier looks into is real (TLS ClientHello, HTTP
 * request, DNS, the header of a QUIC packet), what is encrypted anyway is random. Every function
 * writes to `out`, which has room for MK_PAYLOAD_MAX bytes, and returns how many it wrote.
 */
#ifndef MK_PAYLOAD_H
#define MK_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rng.h"

#define MK_PAYLOAD_MAX 65536
#define MK_QUIC_CID 8
#define MK_QUIC_INITIAL 1200

/* `name` NULL: no SNI. `large`: with an X25519MLKEM768 key share, more than one segment holds. */
size_t
mk_tls_client_hello(uint8_t *out, struct mk_rng *rng, const char *name, bool large);

/* ServerHello, ChangeCipherSpec, and the encrypted rest of the server's first flight. */
size_t
mk_tls_server_flight(uint8_t *out, struct mk_rng *rng);

/* The client's ChangeCipherSpec and encrypted Finished. */
size_t
mk_tls_client_finished(uint8_t *out, struct mk_rng *rng);

/* `len` bytes of application data as encrypted records, their headers included. */
size_t
mk_tls_data(uint8_t *out, struct mk_rng *rng, size_t len);

size_t
mk_http_request(uint8_t *out, const char *host, unsigned int page);

/* A response with a body of `len` bytes. */
size_t
mk_http_response(uint8_t *out, size_t len);

/* A query for an address of `name` (AAAA if v6), or the reply to it. */
size_t
mk_dns(uint8_t *out, uint16_t id, const char *name, bool v6, bool reply);

/* A QUIC version 1 Initial of 1200 bytes. */
size_t
mk_quic_initial(uint8_t *out, struct mk_rng *rng, const uint8_t *dcid, const uint8_t *scid);

/* A QUIC packet with a short header, `len` bytes. */
size_t
mk_quic_short(uint8_t *out, struct mk_rng *rng, const uint8_t *dcid, size_t len);

#endif /* MK_PAYLOAD_H */
