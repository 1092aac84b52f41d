"""How it is measured on the CPU: interleaved rounds, checked results, start-up in processes of their own."""
