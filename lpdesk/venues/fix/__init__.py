"""FIX 4.4, the initiator's side: codec, session, durable numbers, and the adapter over them."""
