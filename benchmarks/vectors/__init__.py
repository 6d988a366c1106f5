"""Published and captured packets, read and written by the product's own modules.

    python -m benchmarks.vectors ../shared/data/packet_vectors.jsonl

Every line of the file is a packet with what its source says it means. A reader, found by device and kind in `table`, asks
the product's module what the packet means to it, in the file's words, and where the packet is a command or the module can
write it, what bytes the module writes. A vector has passed when all that the file says agrees, numbers to a ten-thousandth
or to the last digit printed; failed when anything differs, or an error comes where none should; and is unsupported when
the product has no module or no word for it. A packet that its source calls wrong must be refused.
"""
