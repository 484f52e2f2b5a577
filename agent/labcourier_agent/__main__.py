from labcourier_agent.cli import main

main()
